// npm's `socket.io`: whatever one client says, everybody hears.
import { createServer } from "node:http";
import { Server } from "socket.io";

const http = createServer();
const io = new Server(http, { transports: ["websocket"], perMessageDeflate: false, serveClient: false });
io.on("connection", (socket) => socket.on("m", (message) => io.emit("m", message)));
http.listen({ port: 0, host: "127.0.0.1", backlog: 2048 }, () =>
  console.log(JSON.stringify({ port: http.address().port })),
);
process.stdin.on("end", () => process.exit()).resume();
