"""The WebSocket: its clock, and the limits of one client."""

from pydantic import BaseModel, Field


class Socket(BaseModel):
    api_websocket_timeout: int = Field(default=86_400, ge=60, description="seconds an idle socket lives")
    socket_echo_token: bool | None = Field(
        default=None,
        validation_alias="FOLKMOOT_SOCKET_ECHO_TOKEN",
        description="whether /ws?token= takes an access token; unset: only when API_MODE=dev",
    )
    socket_ping_s: float = Field(
        default=25.0,
        gt=0,
        validation_alias="FOLKMOOT_SOCKET_PING_S",
        description="seconds between the pings of the server",
    )
    socket_pong_s: float = Field(
        default=10.0,
        gt=0,
        validation_alias="FOLKMOOT_SOCKET_PONG_S",
        description="seconds in which a client must answer a ping",
    )
    socket_connect_s: float = Field(
        default=10.0,
        gt=0,
        validation_alias="FOLKMOOT_SOCKET_CONNECT_S",
        description="seconds in which a client must say who it is",
    )
    socket_frame_bytes: int = Field(
        default=65_536,
        ge=1024,
        validation_alias="FOLKMOOT_SOCKET_FRAME_BYTES",
        description="the largest message of a client",
    )
    socket_queue_bytes: int = Field(
        default=1 << 20,
        ge=4096,
        validation_alias="FOLKMOOT_SOCKET_QUEUE_BYTES",
        description="bytes that may wait for a slow client before its socket is closed",
    )
    socket_commands_in_flight: int = Field(
        default=64,
        ge=1,
        validation_alias="FOLKMOOT_SOCKET_COMMANDS_IN_FLIGHT",
        description="commands of one socket that may wait for their answers",
    )
    socket_commands_per_s: int = Field(
        default=200,
        ge=1,
        validation_alias="FOLKMOOT_SOCKET_COMMANDS_PER_S",
        description="commands of one socket in a second, of whatever kind, and at once",
    )
    socket_messages_per_s: int = Field(
        default=10,
        ge=1,
        validation_alias="FOLKMOOT_SOCKET_MESSAGES_PER_S",
        description="those of them in a second that say or do something: `publish`, `rpc` and `send`; and messages to "
        "the echo",
    )
    socket_messages_burst: int = Field(
        default=30,
        ge=1,
        validation_alias="FOLKMOOT_SOCKET_MESSAGES_BURST",
        description="how many of those may come at once from a socket that sent none for a while",
    )
    socket_bytes_per_s: int = Field(
        default=65_536,
        ge=4096,
        validation_alias="FOLKMOOT_SOCKET_BYTES_PER_S",
        description="bytes that are read from one socket in a second; whoever sends faster is slowed down to it by TCP",
    )
    socket_bytes_burst: int = Field(
        default=262_144,
        ge=4096,
        validation_alias="FOLKMOOT_SOCKET_BYTES_BURST",
        description="bytes that are read at once from a socket that sent none for a while",
    )
    handshakes_per_minute: int = Field(
        default=30,
        ge=1,
        validation_alias="FOLKMOOT_HANDSHAKES_PER_MINUTE",
        description="sockets that may be opened in a minute: by one user, and from one address by those who have not "
        "said who they are",
    )
    sockets_waiting: int = Field(
        default=100,
        ge=1,
        validation_alias="FOLKMOOT_SOCKETS_WAITING",
        description="sockets of one address on one server that have not said yet who they are",
    )
    sockets_per_user: int = Field(
        default=20,
        ge=1,
        validation_alias="FOLKMOOT_SOCKETS_PER_USER",
        description="open sockets of one user on one server",
    )
    channels_per_socket: int = Field(
        default=10_000,
        ge=1,
        validation_alias="FOLKMOOT_CHANNELS_PER_SOCKET",
        description="channels that one socket may listen to",
    )
    channel_name_chars: int = Field(
        default=255, ge=16, validation_alias="FOLKMOOT_CHANNEL_NAME_CHARS", description="the longest name of a channel"
    )
