/* Options, and the modes: `fanout` sends and counts, `idle` holds connections, `storm` drops them and comes back. */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

struct options options = {.conns = 1, .inflight = 1, .opening = 100, .payload = 128, .warm = 1, .seconds = 3,
                          .mode = "fanout", .path = "/connection/websocket"};
struct counters counters;
struct conn *conns;
struct sender *senders;
int ready, room_count;
uint64_t outstanding;
char room_names[MOST_ROOMS][NAME];

double now(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return at.tv_sec + at.tv_nsec * 1e-9;
}

void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fprintf(stderr, "load: ");
  vfprintf(stderr, format, arguments);
  fprintf(stderr, "\n");
  exit(1);
}

static double cpu_of(clockid_t clock) {
  struct timespec used = {0};
  clock_gettime(clock, &used);
  return used.tv_sec + used.tv_nsec * 1e-9;
}

static double server_cpu(void) {
  clockid_t clock;
  if (!options.watch || clock_getcpuclockid(options.watch, &clock)) return 0;
  return cpu_of(clock);
}

static void run_until(double until) {
  while (now() < until && counters.closed == 0) {
    double at = now();
    send_due(at);
    turn(options.rate > 0 ? at + 0.0005 : until);
  }
}

static void fanout(void) {
  open_all();
  start_senders();
  double started = now();
  run_until(started + options.warm);
  forget_latencies();
  struct counters before = counters;
  double from = now(), server = server_cpu(), own = cpu_of(CLOCK_PROCESS_CPUTIME_ID);
  run_until(started + options.warm + options.seconds);
  struct counters after = counters;
  double seconds = now() - from;
  server = server_cpu() - server, own = cpu_of(CLOCK_PROCESS_CPUTIME_ID) - own;
  while (outstanding && now() < from + seconds + 5 && !counters.closed) turn(now() + 0.2);
  printf("{\"seconds\":%.4f,\"deliveries\":%lu,\"messages\":%lu,\"bytes\":%lu,\"reads\":%lu,\"server_cpu_s\":%.4f,"
         "\"load_cpu_s\":%.4f,\"unfinished\":%lu,\"lost\":%lu,\"twice\":%lu,\"disordered\":%lu,\"errors\":%lu,"
         "\"closed\":%lu,\"others\":%lu,\"retries\":%lu",
         seconds, after.deliveries - before.deliveries, after.messages - before.messages, after.bytes - before.bytes,
         after.reads - before.reads, server, own, outstanding, counters.lost, counters.twice, counters.disordered,
         counters.errors, counters.closed, counters.others, counters.retries);
  print_latencies();
  printf("}\n");
}

/* Serves the connections until our caller says a line; false when it hung up. */
static bool next_word(char *word, size_t size) {
  for (;;) {
    turn(now() + 0.05);
    struct pollfd input = {.fd = 0, .events = POLLIN};
    if (poll(&input, 1, 0) > 0) return fgets(word, size, stdin) != NULL;
  }
}

static void idle(void) {
  char word[64];
  double started = now();
  open_all();
  printf("{\"ready\":%d,\"seconds\":%.3f}\n", ready, now() - started);
  fflush(stdout);
  while (next_word(word, sizeof word)) continue;
}

static void name_rooms(void) {
  char *list = strdup(options.rooms ? options.rooms : "");
  for (char *name = strtok(list, ","); name && room_count < MOST_ROOMS; name = strtok(NULL, ","))
    snprintf(room_names[room_count++], sizeof room_names[0], "room:%s", name);
  for (int i = 0; room_count && i < options.conns; i++) conns[i].rooms = calloc(room_count, sizeof(struct room));
  free(list);
}

static void print_storm(double seconds) {
  uint32_t fewest = UINT32_MAX, most = 0;
  for (int i = 0; i < options.conns; i++)
    for (int j = 0; j < room_count; j++) {
      uint32_t count = conns[i].rooms[j].recovered;
      fewest = count < fewest ? count : fewest, most = count > most ? count : most;
    }
  printf("{\"ready\":%d,\"seconds\":%.3f,\"fewest\":%u,\"most\":%u,\"lost\":%lu,\"twice\":%lu,\"errors\":%lu,"
         "\"retries\":%lu,\"pushed\":%lu}\n",
         ready, seconds, fewest, most, counters.lost, counters.twice, counters.errors, counters.retries,
         counters.deliveries);
  fflush(stdout);
}

static void storm(void) {
  char word[64];
  open_all();
  print_storm(0);
  double seconds = 0;
  while (next_word(word, sizeof word)) {
    if (!strncmp(word, "drop", 4)) {
      for (int i = 0; i < options.conns; i++) close_conn(&conns[i], false), conns[i].slow_start = 0;
    } else if (!strncmp(word, "return", 6)) {
      double started = now();
      counters = (struct counters){0};
      options.opening = options.conns; /* all at once */
      open_all();
      seconds = now() - started;
    }
    print_storm(seconds);
  }
}

static void read_options(int count, char **words) {
  static const struct option known[] = {
      {"port", 1, 0, 'p'},    {"conns", 1, 0, 'c'},    {"senders", 1, 0, 's'}, {"inflight", 1, 0, 'k'},
      {"opening", 1, 0, 'o'}, {"payload", 1, 0, 'b'},  {"watch", 1, 0, 'w'},   {"warm", 1, 0, 'u'},
      {"seconds", 1, 0, 't'}, {"rate", 1, 0, 'r'},     {"speak", 1, 0, 'v'},   {"mode", 1, 0, 'm'},
      {"path", 1, 0, 'a'},    {"who", 1, 0, 'f'},      {"rooms", 1, 0, 'g'},   {"subscribe", 0, 0, 'e'},
      {0, 0, 0, 0}};
  int option;
  while ((option = getopt_long(count, words, "", known, NULL)) != -1) switch (option) {
      case 'p': options.port = atoi(optarg); break;
      case 'c': options.conns = atoi(optarg); break;
      case 's': options.senders = atoi(optarg); break;
      case 'k': options.inflight = atoi(optarg); break;
      case 'o': options.opening = atoi(optarg); break;
      case 'b': options.payload = atoi(optarg); break;
      case 'w': options.watch = atoi(optarg); break;
      case 'u': options.warm = atof(optarg); break;
      case 't': options.seconds = atof(optarg); break;
      case 'r': options.rate = atof(optarg); break;
      case 'v': options.speech = !strcmp(optarg, "plain") ? PLAIN : !strcmp(optarg, "socketio") ? SOCKETIO : FOLKMOOT; break;
      case 'm': options.mode = optarg; break;
      case 'a': options.path = optarg; break;
      case 'f': options.who = optarg; break;
      case 'g': options.rooms = optarg; break;
      case 'e': options.subscribe = true; break;
      default: fail("see bench/README.md");
    }
  if (options.port <= 0 || options.conns < 1 || options.senders > options.conns || options.payload < MARK + 2 ||
      options.payload > 4000)
    fail("--port, --conns, --senders (no more than conns), --payload 18 to 4000");
}

int main(int count, char **words) {
  read_options(count, words);
  conns = calloc(options.conns, sizeof *conns);
  for (int i = 0; i < options.conns; i++) conns[i] = (struct conn){.fd = -1, .index = i, .sender = -1};
  if (options.senders) senders = calloc(options.senders, sizeof *senders);
  read_who(options.who);
  name_rooms();
  setvbuf(stdin, NULL, _IONBF, 0);
  if (!strcmp(options.mode, "idle")) idle();
  else if (!strcmp(options.mode, "storm")) storm();
  else fanout();
  return 0;
}
