/** Every request the page makes, one function each. Nothing else in the page knows an address. */
import { answer, client } from './client'
import type { operations } from './schema'
import type {
  Account,
  AuditPage,
  Bot,
  Command,
  Confirmation,
  Enrolment,
  EventPage,
  Hook,
  IssuedToken,
  JobCounts,
  JobPage,
  LinkState,
  MadeHook,
  Member,
  NewHook,
  NewRoom,
  NewToken,
  OpenRoom,
  Person,
  Ran,
  Renewed,
  Room,
  SecondFactor,
  Session,
  SignedIn,
  Token,
  Webhook,
  WebhookWithSecret,
} from './types'

/** Asking who we are, and signing in, may be answered 401 without meaning that a session has ended. */
const quiet = { quiet: true }

type Wanted = NonNullable<operations['audit_entries']['parameters']['query']>

const room = (room_id: number) => ({ params: { path: { room_id } } })
const account = (user_id: number) => ({ params: { path: { user_id } } })
const hook = (hook_id: number) => ({ params: { path: { hook_id } } })
const job = (job_id: number) => ({ params: { path: { job_id } } })
const bot = (bot_id: number) => ({ params: { path: { bot_id } } })

export const server = {
  session: (): Promise<SignedIn> => answer(client.GET('/api/v1.0/session'), quiet),

  signIn: (email: string, password: string): Promise<SignedIn> =>
    answer(client.POST('/api/v1.0/session', { body: { email, password } }), quiet),

  secondStep: (challenge: string, code: string): Promise<SignedIn> =>
    answer(client.POST('/api/v1.0/session/code', { body: { challenge, code } }), quiet),

  confirm: ({ password = null, code = null }: Confirmation): Promise<Renewed> =>
    answer(client.POST('/api/v1.0/session/confirm', { body: { password, code } })),

  secondFactor: (): Promise<SecondFactor> => answer(client.GET('/api/v1.0/second-factor')),

  enrol: (): Promise<Enrolment> => answer(client.POST('/api/v1.0/second-factor')),

  turnOn: async (code: string): Promise<string[]> =>
    (await answer(client.POST('/api/v1.0/second-factor/confirm', { body: { code } }))).recovery_codes,

  turnOff: (password: string, code: string): Promise<unknown> =>
    answer(client.POST('/api/v1.0/second-factor/off', { body: { password, code } })),

  renewRecoveryCodes: async (): Promise<string[]> =>
    (await answer(client.POST('/api/v1.0/second-factor/recovery-codes'))).recovery_codes,

  checkCode: async (code: string): Promise<boolean> =>
    (await answer(client.GET('/api/v1.0/totp/check/{code}', { params: { path: { code } } }))).status,

  offersReset: async (): Promise<boolean> => (await answer(client.GET('/api/v1.0/resets'), quiet)).offered,

  /** Gives the seconds for which the link of the letter works. */
  askForReset: async (email: string): Promise<number> =>
    (await answer(client.POST('/api/v1.0/resets', { body: { email } }), quiet)).lifetime_s,

  lookAtReset: async (token: string): Promise<LinkState> =>
    (await answer(client.POST('/api/v1.0/resets/look', { body: { token } }), quiet)).state,

  choosePassword: (token: string, password: string): Promise<unknown> =>
    answer(client.POST('/api/v1.0/resets/choose', { body: { token, password } }), quiet),

  changePassword: (password: string, new_password: string): Promise<Renewed> =>
    answer(client.PUT('/api/v1.0/session/password', { body: { password, new_password } })),

  signOut: (): Promise<unknown> => answer(client.DELETE('/api/v1.0/session'), quiet),

  sessions: async (): Promise<Session[]> => (await answer(client.GET('/api/v1.0/sessions'))).sessions,

  endSession: (session_id: number): Promise<unknown> =>
    answer(client.DELETE('/api/v1.0/sessions/{session_id}', { params: { path: { session_id } } })),

  endOtherSessions: (): Promise<unknown> => answer(client.DELETE('/api/v1.0/sessions')),

  tokens: async (): Promise<Token[]> => (await answer(client.GET('/api/v1.0/tokens'))).tokens,

  issueToken: (body: NewToken): Promise<IssuedToken> => answer(client.POST('/api/v1.0/tokens', { body })),

  endToken: (token_id: number): Promise<unknown> =>
    answer(client.DELETE('/api/v1.0/tokens/{token_id}', { params: { path: { token_id } } })),

  bots: async (): Promise<Bot[]> => (await answer(client.GET('/api/v1.0/bots'))).bots,

  addBot: (name: string): Promise<Bot> => answer(client.POST('/api/v1.0/bots', { body: { name } })),

  botTokens: async (id: number): Promise<Token[]> => (await answer(client.GET('/api/v1.0/bots/{bot_id}/tokens', bot(id)))).tokens,

  issueBotToken: (id: number, body: NewToken): Promise<IssuedToken> =>
    answer(client.POST('/api/v1.0/bots/{bot_id}/tokens', { ...bot(id), body })),

  endBotToken: (bot_id: number, token_id: number): Promise<unknown> =>
    answer(client.DELETE('/api/v1.0/bots/{bot_id}/tokens/{token_id}', { params: { path: { bot_id, token_id } } })),

  disableAccount: (id: number): Promise<unknown> => answer(client.POST('/api/v1.0/accounts/{user_id}/disable', account(id))),

  enableAccount: (id: number): Promise<unknown> => answer(client.POST('/api/v1.0/accounts/{user_id}/enable', account(id))),

  hooks: async (): Promise<Hook[]> => (await answer(client.GET('/api/v1.0/incoming-hooks'))).hooks,

  makeHook: (body: NewHook): Promise<MadeHook> => answer(client.POST('/api/v1.0/incoming-hooks', { body })),

  revokeHook: (hook_id: number): Promise<unknown> =>
    answer(client.DELETE('/api/v1.0/incoming-hooks/{hook_id}', { params: { path: { hook_id } } })),

  commands: async (): Promise<Command[]> => (await answer(client.GET('/api/v1.0/commands'))).commands,

  runCommand: (id: number, text: string, client_id: string): Promise<Ran> =>
    answer(client.POST('/api/v1.0/rooms/{room_id}/commands', { ...room(id), body: { text, client_id } })),

  webhooks: async (): Promise<Webhook[]> => (await answer(client.GET('/api/v1.0/webhooks'))).hooks,

  addWebhook: (id: number, url: string): Promise<WebhookWithSecret> =>
    answer(client.POST('/api/v1.0/rooms/{room_id}/webhooks', { ...room(id), body: { url } })),

  rotateWebhook: (id: number): Promise<WebhookWithSecret> => answer(client.POST('/api/v1.0/webhooks/{hook_id}/secret', hook(id))),

  retryWebhook: (id: number): Promise<unknown> => answer(client.POST('/api/v1.0/webhooks/{hook_id}/retry', hook(id))),

  removeWebhook: (id: number): Promise<unknown> => answer(client.DELETE('/api/v1.0/webhooks/{hook_id}', hook(id))),

  jobCounts: (): Promise<JobCounts> => answer(client.GET('/api/v1.0/jobs')),

  failedJobs: (): Promise<JobPage> => answer(client.GET('/api/v1.0/jobs/failed')),

  unfinishedJobs: (): Promise<JobPage> => answer(client.GET('/api/v1.0/jobs/unfinished')),

  retryJob: (id: number): Promise<unknown> => answer(client.POST('/api/v1.0/jobs/{job_id}/retry', job(id))),

  retryAllJobs: (): Promise<unknown> => answer(client.POST('/api/v1.0/jobs/retry')),

  discardJob: (id: number): Promise<unknown> => answer(client.DELETE('/api/v1.0/jobs/{job_id}', job(id))),

  accounts: async (): Promise<Account[]> => (await answer(client.GET('/api/v1.0/accounts'))).accounts,

  audit: (query: Wanted): Promise<AuditPage> => answer(client.GET('/api/v1.0/audit', { params: { query } })),

  /** At most ten thousand lines of JSON, the newest first. */
  exportAudit: (query: Wanted): Promise<string> =>
    answer(client.GET('/api/v1.0/audit/export', { params: { query }, parseAs: 'text' })),

  people: async (): Promise<Person[]> => (await answer(client.GET('/api/v1.0/people'))).people,

  rooms: async (): Promise<Room[]> => (await answer(client.GET('/api/v1.0/rooms'))).rooms,

  openRooms: async (): Promise<OpenRoom[]> => (await answer(client.GET('/api/v1.0/rooms/open'))).rooms,

  room: (id: number): Promise<Room> => answer(client.GET('/api/v1.0/rooms/{room_id}', room(id))),

  createRoom: (body: NewRoom): Promise<Room> => answer(client.POST('/api/v1.0/rooms', { body })),

  join: (id: number): Promise<Room> => answer(client.POST('/api/v1.0/rooms/{room_id}/join', room(id))),

  leave: (id: number): Promise<unknown> => answer(client.POST('/api/v1.0/rooms/{room_id}/leave', room(id))),

  members: async (id: number): Promise<Member[]> =>
    (await answer(client.GET('/api/v1.0/rooms/{room_id}/members', room(id)))).members,

  addMember: (id: number, user_id: number): Promise<unknown> =>
    answer(client.POST('/api/v1.0/rooms/{room_id}/members', { ...room(id), body: { user_id } })),

  events: (id: number, query: { before?: number; after?: number; limit: number }): Promise<EventPage> =>
    answer(client.GET('/api/v1.0/rooms/{room_id}/events', { params: { path: { room_id: id }, query } })),

  markRead: (id: number, seq: number): Promise<unknown> =>
    answer(client.PUT('/api/v1.0/rooms/{room_id}/read', { ...room(id), body: { seq } })),
}
