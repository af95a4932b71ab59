// Bun's server, whose WebSockets are uWebSockets': whatever one client says, everybody hears.
const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch: (request, here) => (here.upgrade(request) ? undefined : new Response("a WebSocket, please", { status: 400 })),
  websocket: {
    perMessageDeflate: false,
    open: (socket) => socket.subscribe("all"),
    message: (_, message) => server.publish("all", message),
  },
});
console.log(JSON.stringify({ port: server.port }));
process.stdin.on("end", () => process.exit()).resume();
