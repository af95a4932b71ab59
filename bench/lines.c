/* What the server says, line by line: counted, checked, and answered where it wants an answer. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

static bool starts(const char *line, size_t size, const char *with) {
  size_t length = strlen(with);
  return size >= length && !memcmp(line, with, length);
}

static const char *find(const char *in, const char *end, const char *what) {
  return memmem(in, end - in, what, strlen(what));
}

static uint64_t number_after(const char *in, const char *end, const char *name) {
  const char *found = find(in, end, name);
  return found ? strtoull(found + strlen(name), NULL, 10) : 0;
}

/* The offsets of a room's publications go up by one each, whether recovered or pushed. */
static void follow(struct room *room, uint64_t offset) {
  if (offset == room->offset + 1) room->offset = offset;
  else if (offset <= room->offset) counters.twice++;
  else counters.lost += offset - room->offset - 1, room->offset = offset;
}

static void take_position(struct conn *conn, int index, const char *from, const char *end) {
  struct room *room = &conn->rooms[index];
  bool was_here = room->epoch[0];
  const char *epoch = find(from, end, "\"epoch\":\"");
  const char *listed = find(from, end, "\"publications\":[");
  uint64_t offset = number_after(from, listed ? listed : end, "\"offset\":");
  if (!epoch) fail("no epoch in: %.*s", 300, from);
  epoch += 9;
  const char *quote = memchr(epoch, '"', end - epoch);
  snprintf(room->epoch, sizeof room->epoch, "%.*s", (int)(quote - epoch), epoch);
  if (!was_here) {
    room->offset = offset;
    return;
  }
  if (!find(from, listed ? listed : end, "\"recovered\":true")) counters.errors++;
  const char *close = listed ? memchr(listed + 16, ']', end - listed - 16) : NULL;
  for (const char *at = listed; at && (at = find(at, close, "\"offset\":")); at++) {
    follow(room, strtoull(at + 9, NULL, 10));
    room->recovered++;
  }
  if (room->offset != offset) counters.lost++;
}

static const char *find_room(const char *in, const char *end, int index) {
  char key[NAME + 8];
  snprintf(key, sizeof key, "\"%.*s\":{", NAME, room_names[index]);
  return find(in, end, key);
}

static void take_connected(struct conn *conn, const char *line, const char *end) {
  for (int i = 0; i < room_count; i++) {
    const char *from = find_room(line, end, i);
    if (!from) fail("%s is not among the subscriptions: %.*s", room_names[i], 300, line);
    const char *to = end; /* up to the next room, whatever their order */
    for (int j = 0; j < room_count; j++) {
      const char *there = j == i ? NULL : find_room(from, end, j);
      if (there && there < to) to = there;
    }
    take_position(conn, i, from, to);
  }
}

static void take_push(struct conn *conn, const char *line, size_t size) {
  static size_t pub_at = 27, mark_at; /* where they were the last time: lines of one channel look alike */
  const char *end = line + size;
  const char *pub = size > pub_at + 7 && !memcmp(line + pub_at, "\"pub\":{", 7) ? line + pub_at : find(line, end, "\"pub\":{");
  if (!pub) {
    counters.others++;
    return;
  }
  pub_at = pub - line;
  counters.deliveries++;
  for (int i = 0; conn->rooms && i < room_count; i++)
    if (starts(line + 20, size - 20, room_names[i]) && line[20 + strlen(room_names[i])] == '"')
      follow(&conn->rooms[i], number_after(memrchr(line, ',', size), end, "\"offset\":"));
  const char *mark = size > mark_at + MARK && line[mark_at] == '#' && line[mark_at + MARK - 1] == '#'
                         ? line + mark_at
                         : memchr(pub, '#', end - pub);
  if (!mark || end - mark < MARK || mark[MARK - 1] != '#') return;
  mark_at = mark - line;
  delivered(conn, mark);
}

static void take_line(struct conn *conn, const char *line, size_t size) {
  if (starts(line, size, "{\"push\":{")) return take_push(conn, line, size);
  if (size == 2) return say(conn, 1, "{}", 2);
  if (!starts(line, size, "{\"id\":")) {
    counters.others++;
    return;
  }
  char *rest;
  unsigned long id = strtoul(line + 6, &rest, 10);
  size_t left = size - (rest - line);
  bool failed = starts(rest, left, ",\"error\"");
  if (failed && id <= 2 && find(rest, rest + left, "\"temporary\":true")) return try_again(conn);
  if (failed && counters.errors++ < 3) fprintf(stderr, "refused: %.*s\n", (int)size, line);
  if (id > 2) acknowledged(conn, id - 2, failed);
  else if (failed) fail("could not get ready: %.*s", (int)size, line);
  else if (conn->state == OPENING || conn->state == SUBSCRIBING) {
    if (id == 1 && room_count) take_connected(conn, line, line + size);
    expect_of(conn);
  }
}

static void take_socketio(struct conn *conn, const char *packet, size_t size) {
  if (packet[0] == '2') say(conn, 1, "3", 1);
  else if (packet[0] == '0') say(conn, 1, "40", 2);
  else if (conn->state == OPENING) expect_of(conn);
  else if (starts(packet, size, "42[\"m\",")) take_push(conn, packet + 7, size - 8);
}

void take_text(struct conn *conn, const char *text, size_t size) {
  if (options.speech == SOCKETIO) return take_socketio(conn, text, size);
  const char *end = text + size;
  while (text < end && conn->state != CLOSED) {
    const char *next = memchr(text, '\n', end - text);
    if (!next) next = end;
    take_line(conn, text, next - text);
    text = next + 1;
  }
}
