// npm's ws: its documented broadcast, a `send` for each client. https://github.com/websockets/ws#server-broadcast
// Arguments: PORT for clients, FEED for updates (4 bytes of length, highest first, and so many bytes),
// MODULE, the folder of ws.
"use strict";

const net = require("node:net");
const path = require("node:path");
const { WebSocket, WebSocketServer } = require(path.resolve(process.argv[4]));

const [port, feed] = process.argv.slice(2, 4).map(Number);
const server = new WebSocketServer({ host: "127.0.0.1", port, perMessageDeflate: false, backlog: 4096 });

function publish(payload) {
  server.clients.forEach((client) => {
    if (client.readyState === WebSocket.OPEN) client.send(payload, { binary: true });
  });
}

net
  .createServer((updates) => {
    let held = Buffer.alloc(0);
    updates.on("data", (data) => {
      held = held.length ? Buffer.concat([held, data]) : data;
      while (held.length >= 4 && held.length >= 4 + held.readUInt32BE(0)) {
        const end = 4 + held.readUInt32BE(0);
        publish(Buffer.from(held.subarray(4, end)));
        held = held.subarray(end);
      }
    });
  })
  .listen(feed, "127.0.0.1");
