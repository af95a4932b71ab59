-- The schema that the revisions make. Written by scripts/schema.py; change a revision, not this file.

CREATE FUNCTION public.append_events(room_ids bigint[], kinds text[], author_ids bigint[], client_ids uuid[], bodies text[], OUT seqs bigint[], OUT moment timestamp with time zone) RETURNS record
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
        BEGIN
            -- In the order of their ids, which keeps two writers from a deadlock. A stranger's drafts lock no room.
            PERFORM FROM rooms WHERE id = ANY (ARRAY(
                SELECT asked.room_id FROM unnest(room_ids, author_ids) AS asked (room_id, user_id)
                 WHERE (SELECT true FROM members m WHERE m.room_id = asked.room_id AND m.user_id = asked.user_id)
            )) ORDER BY id FOR UPDATE;
            -- From here on nobody else changes these rooms: times follow numbers, and what is looked up stays true.
            moment := clock_timestamp();
            WITH looked_up AS MATERIALIZED (
                SELECT given.*,
                       (SELECT m.user_id FROM members m
                         WHERE m.room_id = given.room_id AND m.user_id = given.author_id) AS member_id,
                       (SELECT e.seq FROM events e
                         WHERE e.room_id = given.room_id AND e.author_id = given.author_id
                           AND e.client_id = given.client_id) AS known_seq
                  FROM unnest(room_ids, kinds, author_ids, client_ids, bodies)
                       WITH ORDINALITY AS given (room_id, kind, author_id, client_id, body, place)
            ), numbered AS MATERIALIZED (
                SELECT looked_up.*,
                       (SELECT head_seq FROM rooms WHERE id = room_id)
                       + row_number() OVER (PARTITION BY room_id ORDER BY place) AS seq
                  FROM looked_up
                 WHERE member_id IS NOT NULL AND known_seq IS NULL
            ), written AS (
                INSERT INTO events (room_id, seq, kind, author_id, client_id, body, created_at)
                SELECT room_id, seq, kind, author_id, client_id, body, moment FROM numbered
            ), moved AS (
                UPDATE rooms SET head_seq = heads.seq
                  FROM (SELECT room_id, max(seq) AS seq FROM numbered GROUP BY room_id) AS heads
                 WHERE rooms.id = heads.room_id
            )
            SELECT array_agg(outcome.seq ORDER BY outcome.place)
              INTO seqs
              FROM (
                  SELECT place, seq FROM numbered
                  UNION ALL
                  SELECT place, CASE WHEN member_id IS NULL THEN 0 ELSE -known_seq END
                    FROM looked_up WHERE member_id IS NULL OR known_seq IS NOT NULL
              ) AS outcome;
        END $$;

CREATE FUNCTION public.delete_events_of_room() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
        BEGIN
            DELETE FROM events WHERE room_id = OLD.id;
            RETURN OLD;
        END $$;

CREATE FUNCTION public.keep_authors() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
        BEGIN
            IF EXISTS (SELECT FROM events WHERE author_id = OLD.id) THEN
                RAISE foreign_key_violation USING MESSAGE = 'Somebody who has said something cannot be deleted.';
            END IF;
            RETURN OLD;
        END $$;

CREATE TABLE public.command_runs (
    user_id bigint NOT NULL,
    room_id bigint NOT NULL,
    client_id uuid NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    kind text,
    body text,
    CONSTRAINT command_runs_kind_check CHECK ((kind = ANY (ARRAY['command'::text, 'message'::text, 'alone'::text])))
);

CREATE TABLE public.events (
    room_id bigint NOT NULL,
    seq bigint NOT NULL,
    kind text NOT NULL,
    author_id bigint NOT NULL,
    client_id uuid NOT NULL,
    body text,
    created_at timestamp with time zone NOT NULL
);

CREATE TABLE public.incoming_hooks (
    id bigint NOT NULL,
    room_id bigint NOT NULL,
    bot_id bigint NOT NULL,
    made_by bigint NOT NULL,
    token_hash bytea NOT NULL,
    made_at timestamp with time zone DEFAULT now() NOT NULL,
    used_at timestamp with time zone
);

CREATE SEQUENCE public.incoming_hooks_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.incoming_hooks_id_seq OWNED BY public.incoming_hooks.id;

CREATE TABLE public.members (
    room_id bigint NOT NULL,
    user_id bigint NOT NULL,
    read_seq bigint DEFAULT 0 NOT NULL,
    joined_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.rooms (
    id bigint NOT NULL,
    name text NOT NULL,
    topic text DEFAULT ''::text NOT NULL,
    visibility text NOT NULL,
    welcome boolean DEFAULT false NOT NULL,
    epoch text DEFAULT substr(replace((gen_random_uuid())::text, '-'::text, ''::text), 1, 8) NOT NULL,
    head_seq bigint DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT rooms_visibility_check CHECK ((visibility = ANY (ARRAY['open'::text, 'private'::text])))
);

CREATE SEQUENCE public.rooms_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.rooms_id_seq OWNED BY public.rooms.id;

CREATE TABLE public.sessions (
    id bigint NOT NULL,
    user_id bigint NOT NULL,
    token_hash bytea NOT NULL,
    kind text NOT NULL,
    address text NOT NULL,
    user_agent text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    used_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    idle_s bigint NOT NULL,
    name text DEFAULT ''::text NOT NULL,
    scopes text[],
    CONSTRAINT sessions_kind_check CHECK ((kind = ANY (ARRAY['browser'::text, 'program'::text, 'token'::text]))),
    CONSTRAINT sessions_scopes_check CHECK (((kind = 'token'::text) = (scopes IS NOT NULL)))
);

CREATE SEQUENCE public.sessions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.sessions_id_seq OWNED BY public.sessions.id;

CREATE TABLE public.users (
    id bigint NOT NULL,
    email character varying(64) NOT NULL,
    password text NOT NULL,
    created_on timestamp without time zone DEFAULT (now() AT TIME ZONE 'utc'::text) NOT NULL,
    confirmed boolean DEFAULT false NOT NULL,
    name text DEFAULT ''::text NOT NULL,
    role text DEFAULT 'member'::text NOT NULL,
    disabled_at timestamp with time zone,
    CONSTRAINT users_role_check CHECK ((role = ANY (ARRAY['member'::text, 'admin'::text, 'bot'::text])))
);

CREATE SEQUENCE public.users_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.users_id_seq OWNED BY public.users.id;

ALTER TABLE ONLY public.incoming_hooks ALTER COLUMN id SET DEFAULT nextval('public.incoming_hooks_id_seq'::regclass);

ALTER TABLE ONLY public.rooms ALTER COLUMN id SET DEFAULT nextval('public.rooms_id_seq'::regclass);

ALTER TABLE ONLY public.sessions ALTER COLUMN id SET DEFAULT nextval('public.sessions_id_seq'::regclass);

ALTER TABLE ONLY public.users ALTER COLUMN id SET DEFAULT nextval('public.users_id_seq'::regclass);

ALTER TABLE ONLY public.command_runs
    ADD CONSTRAINT command_runs_pkey PRIMARY KEY (user_id, room_id, client_id);

ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (room_id, seq);

ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_room_id_author_id_client_id_key UNIQUE (room_id, author_id, client_id);

ALTER TABLE ONLY public.incoming_hooks
    ADD CONSTRAINT incoming_hooks_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.incoming_hooks
    ADD CONSTRAINT incoming_hooks_token_hash_key UNIQUE (token_hash);

ALTER TABLE ONLY public.members
    ADD CONSTRAINT members_pkey PRIMARY KEY (room_id, user_id);

ALTER TABLE ONLY public.rooms
    ADD CONSTRAINT rooms_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_token_hash_key UNIQUE (token_hash);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_email_key UNIQUE (email);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

CREATE INDEX members_of_user ON public.members USING btree (user_id);

CREATE INDEX sessions_of_user ON public.sessions USING btree (user_id, created_at);

CREATE TRIGGER authors_stay BEFORE DELETE ON public.users FOR EACH ROW EXECUTE FUNCTION public.keep_authors();

CREATE TRIGGER events_go_with_their_room BEFORE DELETE ON public.rooms FOR EACH ROW EXECUTE FUNCTION public.delete_events_of_room();

ALTER TABLE ONLY public.command_runs
    ADD CONSTRAINT command_runs_room_id_fkey FOREIGN KEY (room_id) REFERENCES public.rooms(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.command_runs
    ADD CONSTRAINT command_runs_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.incoming_hooks
    ADD CONSTRAINT incoming_hooks_bot_id_fkey FOREIGN KEY (bot_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.incoming_hooks
    ADD CONSTRAINT incoming_hooks_made_by_fkey FOREIGN KEY (made_by) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.incoming_hooks
    ADD CONSTRAINT incoming_hooks_room_id_fkey FOREIGN KEY (room_id) REFERENCES public.rooms(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.members
    ADD CONSTRAINT members_room_id_fkey FOREIGN KEY (room_id) REFERENCES public.rooms(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.members
    ADD CONSTRAINT members_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
