/* The limit: what one core can write to so many sockets when there is nothing to do but write.
 *
 * `each` writes every message to every connection by itself; `merged` joins what came in one turn of the loop, and
 * writes it to every connection at once. No protocol: a GET is answered as an upgrade, and a frame is passed on.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST = 32768, EVENTS = 4096, BUFFER = 1 << 20 };

struct peer {
  int fd;
  int place; /* among those that are open; -1: still to be upgraded */
  char *in, *out;
  size_t in_len, out_len;
};

static struct peer *by_place[MOST];
static int open_count, poller;
static char joined[BUFFER + 16], received[BUFFER];
static size_t joined_len;
static int merges;

static void watch(struct peer *peer, int how, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = peer};
  epoll_ctl(poller, how, peer->fd, &event);
}

static void keep(char **buffer, size_t *length, const char *bytes, size_t size) {
  *buffer = realloc(*buffer, *length + size);
  memcpy(*buffer + *length, bytes, size);
  *length += size;
}

static void give(struct peer *peer, const char *bytes, size_t size) {
  ssize_t sent = peer->out_len ? 0 : send(peer->fd, bytes, size, MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN) return;
  if (sent < 0) sent = 0;
  if ((size_t)sent == size) return;
  keep(&peer->out, &peer->out_len, bytes + sent, size - sent);
  watch(peer, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
}

static void flush(struct peer *peer) {
  ssize_t sent = send(peer->fd, peer->out, peer->out_len, MSG_NOSIGNAL);
  if (sent < 0) return;
  memmove(peer->out, peer->out + sent, peer->out_len -= sent);
  if (!peer->out_len) watch(peer, EPOLL_CTL_MOD, EPOLLIN);
}

/* One frame for everybody; the message stands in `joined` behind 10 bytes of room for the head. */
static void broadcast(void) {
  unsigned char head[10] = {0x81};
  int length = 2;
  if (joined_len < 126) {
    head[1] = (unsigned char)joined_len;
  } else if (joined_len < 65536) {
    head[1] = 126, head[2] = (unsigned char)(joined_len >> 8), head[3] = (unsigned char)joined_len;
    length = 4;
  } else {
    head[1] = 127;
    for (int i = 0; i < 8; i++) head[2 + i] = (unsigned char)(joined_len >> (56 - 8 * i));
    length = 10;
  }
  char *frame = joined + 10 - length;
  memcpy(frame, head, length);
  for (int i = 0; i < open_count; i++) give(by_place[i], frame, joined_len + length);
  joined_len = 0;
}

static void pass_on(const unsigned char *mask, const char *payload, size_t size) {
  if (joined_len + size + 1 > BUFFER) broadcast();
  if (joined_len) joined[10 + joined_len++] = '\n';
  for (size_t i = 0; i < size; i++) joined[10 + joined_len + i] = (char)(payload[i] ^ mask[i & 3]);
  joined_len += size;
  if (!merges) broadcast();
}

static size_t take(struct peer *peer, const char *from, size_t size) {
  static const char agreed[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
  if (peer->place < 0) {
    const char *end = memmem(from, size, "\r\n\r\n", 4);
    if (!end) return 0;
    peer->place = open_count;
    by_place[open_count++] = peer;
    give(peer, agreed, sizeof agreed - 1);
    return end + 4 - from;
  }
  const unsigned char *head = (const unsigned char *)from;
  if (size < 8) return 0;
  size_t length = head[1] & 127, start = 2;
  if (length == 126) length = (size_t)head[2] << 8 | head[3], start = 4;
  if (size < start + 4 + length) return 0;
  if ((head[0] & 15) == 1) pass_on(head + start, from + start + 4, length);
  return start + 4 + length;
}

static void leave(struct peer *peer) {
  if (peer->place >= 0) {
    by_place[peer->place] = by_place[--open_count];
    by_place[peer->place]->place = peer->place;
  }
  close(peer->fd);
  free(peer->in), free(peer->out), free(peer);
}

static void receive(struct peer *peer) {
  size_t size = peer->in_len, used = 0, taken;
  memcpy(received, peer->in, size);
  ssize_t got = recv(peer->fd, received + size, BUFFER - size, 0);
  if (got == 0 || (got < 0 && errno != EAGAIN)) return leave(peer);
  if (got < 0) return;
  size += got;
  while (used < size && (taken = take(peer, received + used, size - used))) used += taken;
  free(peer->in);
  peer->in = NULL, peer->in_len = 0;
  if (size > used) keep(&peer->in, &peer->in_len, received + used, size - used);
}

static void let_in(int listening) {
  int one = 1, bytes = 128 * 1024, fd; /* the buffer that Folkmoot gives a connection */
  while ((fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
    struct peer *peer = calloc(1, sizeof *peer);
    peer->fd = fd, peer->place = -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    watch(peer, EPOLL_CTL_ADD, EPOLLIN);
  }
}

int main(int count, char **words) {
  static struct epoll_event events[EVENTS];
  if (count != 2 || (strcmp(words[1], "each") && strcmp(words[1], "merged"))) {
    fprintf(stderr, "limit each|merged\n");
    return 2;
  }
  merges = !strcmp(words[1], "merged");
  int listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof at;
  if (bind(listening, (void *)&at, sizeof at) || listen(listening, 2048) || getsockname(listening, (void *)&at, &size)) {
    perror("limit");
    return 1;
  }
  poller = epoll_create1(0);
  struct epoll_event door = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(poller, EPOLL_CTL_ADD, listening, &door);
  printf("{\"port\":%d}\n", ntohs(at.sin_port));
  fflush(stdout);
  for (;;) {
    int happened = epoll_wait(poller, events, EVENTS, -1);
    for (int i = 0; i < happened; i++) {
      struct peer *peer = events[i].data.ptr;
      if (!peer) {
        let_in(listening);
        continue;
      }
      if (events[i].events & EPOLLOUT) flush(peer);
      if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) receive(peer);
    }
    if (joined_len) broadcast();
  }
}
