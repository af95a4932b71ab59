/* Connections: opening them, a few at a time, and bytes in and out. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

enum { EVENTS = 4096, BUFFER = 8 << 20, PER_ADDRESS = 20000, PATIENCE_S = 3 };

static int poller = -1;
static int opening, next_to_open, waiting_to_return;
static char buffer[BUFFER];
static char (*tokens)[128];
static int *channel_of_line;
static char (*channels)[64];
static int lines, channel_count, *listeners;

void read_who(const char *path) {
  FILE *file = path ? fopen(path, "r") : NULL;
  if (path && !file) fail("cannot read %s", path);
  int most = 1 << 16;
  tokens = calloc(most, sizeof *tokens);
  channels = calloc(most, sizeof *channels);
  channel_of_line = calloc(most, sizeof *channel_of_line);
  listeners = calloc(most, sizeof *listeners);
  if (!file) {
    strcpy(channels[0], "echo");
    lines = channel_count = 1;
  }
  char token[128], channel[64];
  while (file && lines < most && fscanf(file, "%127s %63s", token, channel) == 2) {
    int found = channel_count ? channel_count - 1 : 0;
    while (found >= 0 && strcmp(channels[found], channel)) found--;
    if (found < 0 || !channel_count) strcpy(channels[found = channel_count++], channel);
    strcpy(tokens[lines], token);
    channel_of_line[lines++] = found;
  }
  if (file) fclose(file);
  for (int i = 0; i < options.conns; i++) {
    conns[i].channel = channel_of_line[i % lines];
    listeners[conns[i].channel]++;
  }
}

const char *channel_of(const struct conn *conn) { return channels[conn->channel]; }
int listeners_of(int channel) { return listeners[channel]; }

static void watch(struct conn *conn, int how, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = conn};
  if (epoll_ctl(poller, how, conn->fd, &event)) fail("epoll: %s", strerror(errno));
}

void open_conn(struct conn *conn) {
  conn->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (conn->fd < 0) fail("socket: %s (ulimit -n?)", strerror(errno));
  int one = 1;
  setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
  setsockopt(conn->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
  /* Several addresses of the loopback, so that the ports of one are enough. */
  uint32_t address = INADDR_LOOPBACK + (uint32_t)(conn->index / PER_ADDRESS) + 1;
  struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(options.port)};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(conn->fd, (void *)&from, sizeof from)) fail("bind: %s", strerror(errno));
  if (connect(conn->fd, (void *)&to, sizeof to) && errno != EINPROGRESS) fail("connect: %s", strerror(errno));
  conn->state = CONNECTING;
  conn->since = now();
  opening++;
  watch(conn, EPOLL_CTL_ADD, EPOLLOUT);
}

void close_conn(struct conn *conn, bool come_back) {
  if (conn->state == READY) ready--;
  else if (conn->state != CLOSED) opening--;
  if (conn->state != CLOSED) close(conn->fd);
  free(conn->in), free(conn->out);
  conn->in = conn->out = NULL;
  conn->in_len = conn->out_len = 0;
  conn->state = CLOSED;
  conn->retry_at = 0;
  if (come_back) { /* as clients do: later each time, and not all at once */
    if (++conn->slow_start > 50) fail("connection %d came back 50 times in vain", conn->index);
    conn->retry_at = now() + 0.05 + 0.25 * (rand() / (double)RAND_MAX) * (conn->slow_start < 4 ? conn->slow_start : 4);
    counters.retries++;
    waiting_to_return++;
  }
}

static void lost(struct conn *conn) {
  if (conn->state == READY) {
    counters.closed++;
    close_conn(conn, false);
  } else {
    close_conn(conn, true);
  }
}

void try_again(struct conn *conn) { lost(conn); }

void say_raw(struct conn *conn, const char *bytes, size_t size) {
  ssize_t sent = 0;
  if (conn->state == CLOSED) return;
  if (!conn->out_len) sent = send(conn->fd, bytes, size, MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN) return lost(conn);
  if (sent < 0) sent = 0;
  if ((size_t)sent == size) return;
  conn->out = realloc(conn->out, conn->out_len + size - sent);
  memcpy(conn->out + conn->out_len, bytes + sent, size - sent);
  conn->out_len += size - sent;
  watch(conn, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
}

static void flush(struct conn *conn) {
  ssize_t sent = send(conn->fd, conn->out, conn->out_len, MSG_NOSIGNAL);
  if (sent < 0) return;
  memmove(conn->out, conn->out + sent, conn->out_len -= sent);
  if (!conn->out_len) watch(conn, EPOLL_CTL_MOD, EPOLLIN);
}

size_t frame(char *to, int opcode, const char *payload, size_t size) {
  static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
  size_t head = 2;
  to[0] = (char)(0x80 | opcode);
  if (size < 126) {
    to[1] = (char)(0x80 | size);
  } else { /* what we say is never longer than 64 KiB */
    to[1] = (char)(0x80 | 126), to[2] = (char)(size >> 8), to[3] = (char)size;
    head = 4;
  }
  memcpy(to + head, mask, 4);
  head += 4;
  for (size_t i = 0; i < size; i++) to[head + i] = payload[i] ^ mask[i & 3];
  return head + size;
}

void say(struct conn *conn, int opcode, const char *payload, size_t size) {
  char *framed = malloc(size + 14);
  say_raw(conn, framed, frame(framed, opcode, payload, size));
  free(framed);
}

static void ask_for_upgrade(struct conn *conn) {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error) return lost(conn);
  char request[512];
  int length = snprintf(request, sizeof request,
                        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                        options.path, options.port);
  watch(conn, EPOLL_CTL_MOD, EPOLLIN);
  conn->state = UPGRADING;
  say_raw(conn, request, length);
}

static void introduce(struct conn *conn) {
  char text[4096];
  int at = snprintf(text, sizeof text, "{\"id\":1,\"connect\":{\"token\":\"%s\",\"subs\":{", tokens[conn->index % lines]);
  for (int i = 0; conn->rooms && conn->rooms[i].epoch[0] && i < room_count; i++)
    at += snprintf(text + at, sizeof text - at, "%s\"%s\":{\"recover\":true,\"epoch\":\"%s\",\"offset\":%lu}",
                   i ? "," : "", room_names[i], conn->rooms[i].epoch, (unsigned long)conn->rooms[i].offset);
  at += snprintf(text + at, sizeof text - at, "}}}");
  say(conn, 1, text, at);
}

void expect_of(struct conn *conn) {
  if (conn->state == OPENING && options.subscribe && options.speech == FOLKMOOT) {
    char text[160];
    int length = snprintf(text, sizeof text, "{\"id\":2,\"subscribe\":{\"channel\":\"%s\"}}", channel_of(conn));
    conn->state = SUBSCRIBING;
    say(conn, 1, text, length);
    return;
  }
  conn->state = READY;
  opening--;
  ready++;
}

static size_t take_upgrade(struct conn *conn, const char *from, size_t size) {
  const char *end = memmem(from, size, "\r\n\r\n", 4);
  if (!end) return 0;
  if (size < 12 || memcmp(from + 9, "101", 3)) {
    if (memcmp(from + 9, "503", 3) && memcmp(from + 9, "429", 3)) fail("the server refused: %.*s", (int)(size > 400 ? 400 : size), from);
    lost(conn);
    return 0;
  }
  conn->state = OPENING;
  if (options.speech == FOLKMOOT) introduce(conn);
  if (options.speech == PLAIN) expect_of(conn);
  return end + 4 - from;
}

static size_t take_frame(struct conn *conn, const char *from, size_t size) {
  const uint8_t *head = (const uint8_t *)from;
  if (size < 2) return 0;
  size_t length = head[1] & 127, start = 2;
  if (length == 126) {
    if (size < 4) return 0;
    length = (size_t)head[2] << 8 | head[3], start = 4;
  } else if (length == 127) {
    if (size < 10) return 0;
    length = 0, start = 10;
    for (int i = 2; i < 10; i++) length = length << 8 | head[i];
  }
  if (size - start < length) return 0;
  int opcode = head[0] & 15;
  if (opcode == 1) take_text(conn, from + start, length);
  else if (opcode == 9) say(conn, 10, from + start, length);
  else if (opcode == 8) {
    if (conn->state == READY || counters.retries < 3)
      fprintf(stderr, "closed with %d %.*s\n", length > 1 ? head[start] << 8 | head[start + 1] : 1005,
              length > 2 ? (int)length - 2 : 0, from + start + 2);
    lost(conn);
  }
  return start + length;
}

static void receive(struct conn *conn) {
  size_t size = conn->in_len, used = 0;
  if (size) memcpy(buffer, conn->in, size);
  ssize_t got = recv(conn->fd, buffer + size, BUFFER - size, 0);
  if (got <= 0) {
    if (got == 0 || errno != EAGAIN) lost(conn);
    return;
  }
  counters.bytes += got, counters.reads++;
  size += got;
  while (used < size && conn->state != CLOSED) {
    size_t taken = conn->state == UPGRADING ? take_upgrade(conn, buffer + used, size - used)
                                            : take_frame(conn, buffer + used, size - used);
    if (!taken) break;
    used += taken;
  }
  if (conn->state == CLOSED) return;
  if (size - used != conn->in_len) {
    free(conn->in);
    conn->in = size > used ? malloc(size - used) : NULL;
  }
  if ((conn->in_len = size - used)) memcpy(conn->in, buffer + used, conn->in_len);
}

int turn(double until) {
  static struct epoll_event events[EVENTS];
  if (poller < 0) poller = epoll_create1(0);
  double patience = until - now();
  if (patience < 0) patience = 0;
  if (patience > 1) patience = 1;
  struct timespec timeout = {(time_t)patience, (long)((patience - (time_t)patience) * 1e9)};
  int count = epoll_pwait2(poller, events, EVENTS, &timeout, NULL);
  for (int i = 0; i < count; i++) {
    struct conn *conn = events[i].data.ptr;
    if (conn->state == CONNECTING) ask_for_upgrade(conn);
    else if (conn->state != CLOSED && events[i].events & EPOLLOUT) flush(conn);
    if (conn->state > CONNECTING && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) receive(conn);
  }
  return count;
}

/* A full queue of the kernel drops a SYN without a word, and repeats it later and later: clients do not wait for that. */
static void give_up_waiting(void) {
  static double looked;
  if (now() - looked < 0.2) return;
  looked = now();
  for (int i = 0; i < options.conns; i++)
    if (conns[i].state == CONNECTING && looked - conns[i].since > PATIENCE_S) close_conn(&conns[i], true);
}

void open_all(void) {
  if (poller < 0) poller = epoll_create1(0);
  next_to_open = 0, waiting_to_return = 0;
  double started = now();
  while (ready < options.conns) {
    while (next_to_open < options.conns && opening < options.opening) open_conn(&conns[next_to_open++]);
    if (waiting_to_return)
      for (int i = 0; i < options.conns && opening < options.opening; i++)
        if (conns[i].state == CLOSED && conns[i].retry_at && conns[i].retry_at <= now())
          conns[i].retry_at = 0, waiting_to_return--, open_conn(&conns[i]);
    turn(now() + (waiting_to_return ? 0.01 : 0.2));
    give_up_waiting();
    if (now() - started > 180) fail("only %d of %d connections were ready after 180 s", ready, options.conns);
  }
}
