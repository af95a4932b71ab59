/* The load generator: thousands of WebSocket connections in one thread, on one core. */
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum speech { FOLKMOOT, PLAIN, SOCKETIO };
enum state { CLOSED, CONNECTING, UPGRADING, OPENING, SUBSCRIBING, READY };

enum { MOST_ROOMS = 16, NAME = 48, MARK = 16 }; /* "#sssss:nnnnnnnn#" */

struct room { /* where a connection stands in a room, for coming back to it */
  uint64_t offset;
  uint32_t recovered;
  char epoch[24];
};

struct conn {
  int fd;
  enum state state;
  int index;
  int channel;
  int sender; /* -1: it only listens */
  uint8_t slow_start;
  double retry_at, since;
  char *in; /* the beginning of a frame that has not come whole */
  size_t in_len;
  char *out; /* what the kernel did not take yet */
  size_t out_len;
  struct room *rooms;
};

struct slot { /* a message in flight */
  uint32_t seq;
  uint32_t missing; /* deliveries */
  bool acked;
  double sent;
};

struct sender {
  struct conn *conn;
  uint32_t sent; /* the last seq that was sent */
  uint32_t done; /* all up to this one are complete */
  bool is_due;
  double next; /* when the next one is due, at a fixed rate */
  struct slot *slots;
};

struct options {
  int port, conns, senders, inflight, opening, payload, watch;
  double warm, seconds, rate;
  enum speech speech;
  const char *mode, *path, *who, *rooms;
  bool subscribe;
};

struct counters {
  uint64_t deliveries, messages, bytes, reads;
  uint64_t lost, twice, disordered, errors, closed, others, retries;
};

extern struct options options;
extern struct counters counters;
extern struct conn *conns;
extern struct sender *senders;
extern int ready, room_count;
extern uint64_t outstanding; /* messages in flight */
extern char room_names[MOST_ROOMS][NAME];

double now(void);
_Noreturn void fail(const char *format, ...);

/* conns.c */
void open_conn(struct conn *conn);
void close_conn(struct conn *conn, bool come_back);
void try_again(struct conn *conn); /* after a refusal that is temporary */
void say(struct conn *conn, int opcode, const char *payload, size_t size);
void say_raw(struct conn *conn, const char *bytes, size_t size);
size_t frame(char *to, int opcode, const char *payload, size_t size);
int turn(double until); /* handles what happens until then at the latest; returns the events */
void open_all(void);
void read_who(const char *path);
const char *channel_of(const struct conn *conn);
int listeners_of(int channel);

/* lines.c */
void take_text(struct conn *conn, const char *text, size_t size);
void expect_of(struct conn *conn);

/* messages.c */
void start_senders(void);
void delivered(struct conn *conn, const char *mark);
void acknowledged(struct conn *conn, uint32_t seq, bool failed);
void send_due(double at);
void forget_latencies(void);
void print_latencies(void);

#endif
