// Node's `ws` with a Redis subscriber: what is published to `bench:<room>` goes to every socket of `/rooms/<room>`.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

const require = createRequire(`${process.env.PEER_FOLDER}/`);
const { WebSocketServer, WebSocket } = require('ws');
const { createClient } = require('redis');

const rooms = new Map();
const redis = createClient({ url: process.env.PEER_REDIS_URL });
await redis.connect();

const server = createServer((request, response) => response.end('ready'));
const sockets = new WebSocketServer({ server });

sockets.on('connection', async (socket, request) => {
  const name = request.url.slice('/rooms/'.length);
  let members = rooms.get(name);
  if (members === undefined) {
    rooms.set(name, (members = new Set()));
    await redis.subscribe(
      `bench:${name}`,
      (message) => {
        for (const member of members) {
          if (member.readyState === WebSocket.OPEN) member.send(message, { binary: false });
        }
      },
      true, // as a Buffer, which is not encoded again for every member
    );
  }
  members.add(socket);
  socket.on('close', async () => {
    members.delete(socket);
    if (members.size === 0 && rooms.get(name) === members) {
      rooms.delete(name);
      await redis.unsubscribe(`bench:${name}`);
    }
  });
});

server.listen(Number(process.env.PEER_PORT), '127.0.0.1');
