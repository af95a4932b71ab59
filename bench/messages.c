/* Messages in flight: each is complete when its sender has the acknowledgement and every listener has the message. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "load.h"

enum { MOST_LATENCIES = 4 << 20 };

static uint32_t *last; /* the last seq that a connection got of a sender */
static int due_count;
static int *due; /* senders that may send again */
static float *ack_ms, *whole_ms;
static size_t acks, wholes;
static char filling[4096];
static uint32_t nonce;

static void is_due(int index) {
  if (!senders[index].is_due) senders[index].is_due = true, due[due_count++] = index;
}

void start_senders(void) {
  nonce = (uint32_t)(now() * 1e6) ^ (uint32_t)getpid();
  memset(filling, 'x', sizeof filling - 1);
  last = calloc((size_t)options.conns * options.senders, sizeof *last);
  due = calloc(options.senders, sizeof *due);
  ack_ms = malloc(MOST_LATENCIES * sizeof *ack_ms);
  whole_ms = malloc(MOST_LATENCIES * sizeof *whole_ms);
  double at = now();
  for (int i = 0; i < options.senders; i++) {
    senders[i].conn = &conns[i];
    conns[i].sender = i;
    senders[i].slots = calloc(options.inflight, sizeof(struct slot));
    senders[i].next = at + i / (options.rate > 0 ? options.rate : 1);
    is_due(i);
  }
}

static void settle(struct sender *sender, struct slot *slot) {
  if (!slot->acked || slot->missing) return;
  if (wholes < MOST_LATENCIES) whole_ms[wholes++] = (float)((now() - slot->sent) * 1e3);
  counters.messages++;
  outstanding--;
  while (sender->done < sender->sent) {
    struct slot *first = &sender->slots[(sender->done + 1) % options.inflight];
    if (!first->acked || first->missing) break;
    sender->done++;
  }
  is_due((int)(sender - senders));
}

void acknowledged(struct conn *conn, uint32_t seq, bool failed) {
  if (conn->sender < 0) return;
  struct sender *sender = &senders[conn->sender];
  struct slot *slot = &sender->slots[seq % options.inflight];
  if (slot->seq != seq || slot->acked) {
    counters.errors++;
    return;
  }
  slot->acked = true;
  if (acks < MOST_LATENCIES) ack_ms[acks++] = (float)((now() - slot->sent) * 1e3);
  if (failed) slot->missing = 0;
  settle(sender, slot);
}

static uint32_t digits(const char *from, int count) {
  uint32_t number = 0;
  while (count--) number = number * 10 + (uint32_t)(*from++ - '0');
  return number;
}

void delivered(struct conn *conn, const char *mark) {
  uint32_t index = digits(mark + 1, 5), seq = digits(mark + 7, 8);
  if (!senders || index >= (uint32_t)options.senders) {
    counters.others++;
    return;
  }
  uint32_t *seen = &last[(size_t)conn->index * options.senders + index];
  if (seq <= *seen) {
    counters.twice++;
    return;
  }
  if (seq != *seen + 1) counters.disordered++, counters.lost += seq - *seen - 1;
  *seen = seq;
  struct sender *sender = &senders[index];
  struct slot *slot = &sender->slots[seq % options.inflight];
  if (slot->seq == seq && slot->missing && !--slot->missing) settle(sender, slot);
}

static int compose(char *to, int size, struct sender *sender, uint32_t seq) {
  const char *channel = channel_of(sender->conn);
  bool is_room = !strncmp(channel, "room:", 5);
  char mark[MARK + 1];
  unsigned index = (unsigned)(sender - senders);
  snprintf(mark, sizeof mark, "#%05u:%08u#", index % 100000, seq % 100000000);
  int rest = options.payload - MARK - (is_room ? 0 : 2); /* of an ephemeral one, its quotes are part */
  if (options.speech != FOLKMOOT)                        /* the very bytes that Folkmoot pushes for such a message */
    return snprintf(to, size,
                    "%s{\"push\":{\"channel\":\"echo\",\"pub\":{\"data\":\"%s%.*s\","
                    "\"info\":{\"user\":\"1\",\"client\":\"0123456789abcdef0123456789abcdef\"}}}}%s",
                    options.speech == SOCKETIO ? "42[\"m\"," : "", mark, rest, filling,
                    options.speech == SOCKETIO ? "]" : "");
  if (!is_room)
    return snprintf(to, size, "{\"id\":%u,\"publish\":{\"channel\":\"%s\",\"data\":\"%s%.*s\"}}", seq + 2, channel,
                    mark, rest, filling);
  return snprintf(to, size,
                  "{\"id\":%u,\"publish\":{\"channel\":\"%s\",\"data\":{\"client_id\":\"%08x-0000-4000-8000-%04x%08x\","
                  "\"body\":\"%s%.*s\"}}}",
                  seq + 2, channel, nonce, index & 0xffff, seq, mark, rest, filling);
}

static void send_what_may(struct sender *sender, double at) {
  static char frames[1 << 20];
  char text[8192];
  size_t size = 0;
  if (sender->conn->state != READY) return;
  while (sender->sent - sender->done < (uint32_t)options.inflight && size < sizeof frames - sizeof text) {
    if (options.rate > 0 && sender->next > at) break;
    uint32_t seq = ++sender->sent;
    struct slot *slot = &sender->slots[seq % options.inflight];
    *slot = (struct slot){seq, (uint32_t)listeners_of(sender->conn->channel), options.speech != FOLKMOOT, at};
    if (options.rate > 0) {
      slot->sent = sender->next; /* when it should have been sent: waiting for us is waiting too */
      sender->next += options.senders / options.rate;
    }
    outstanding++;
    size += frame(frames + size, 1, text, compose(text, sizeof text, sender, seq));
  }
  if (size) say_raw(sender->conn, frames, size);
}

void send_due(double at) {
  if (options.rate > 0) {
    for (int i = 0; i < options.senders; i++) send_what_may(&senders[i], at);
    return;
  }
  int count = due_count;
  due_count = 0;
  for (int i = 0; i < count; i++) senders[due[i]].is_due = false;
  for (int i = 0; i < count; i++) send_what_may(&senders[due[i]], at);
}

void forget_latencies(void) { acks = wholes = 0; }

static int by_size(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

static void print_one(const char *name, float *ms, size_t count) {
  qsort(ms, count, sizeof *ms, by_size);
  printf(",\"%s_p50_ms\":%.3f,\"%s_p99_ms\":%.3f,\"%s_max_ms\":%.3f", name, count ? ms[count / 2] : 0.0, name,
         count ? ms[(size_t)(count * 0.99)] : 0.0, name, count ? ms[count - 1] : 0.0);
}

void print_latencies(void) {
  print_one("ack", ack_ms, acks);
  print_one("whole", whole_ms, wholes);
}
