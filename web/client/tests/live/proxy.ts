/** A proxy between client and server that lets through what it is told to. */

import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";

/** `refuse` answers with a page of the proxy's own; `hold` takes the answer and never passes it on. */
export interface Network {
  sockets: "pass" | "refuse";
  streams: "pass" | "refuse" | "hold";
}

export class Proxy {
  /** How many sockets went through. */
  sockets = 0;
  readonly network: Network = { sockets: "pass", streams: "pass" };
  readonly #target: URL;
  readonly #server = createServer((asked, answer) => this.#forward(asked, answer));
  readonly #tunnels = new Set<Socket>();
  readonly #connections = new Set<Socket>();

  constructor(target: string) {
    this.#target = new URL(target);
    this.#server.on("upgrade", (asked: IncomingMessage, socket: Socket, head: Buffer) =>
      this.#tunnel(asked, socket, head),
    );
    this.#server.on("connection", (socket: Socket) => {
      this.#connections.add(socket);
      socket.on("close", () => this.#connections.delete(socket)).on("error", () => undefined);
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Break every socket that goes through, without a goodbye; returns how many there were. */
  cut(): number {
    const cut = [...this.#tunnels];
    for (const socket of cut) socket.destroy();
    return cut.length;
  }

  async stop(): Promise<void> {
    for (const socket of this.#connections) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #forward(asked: IncomingMessage, answer: ServerResponse): void {
    const streaming = (asked.headers.accept ?? "").includes("text/event-stream");
    const network = streaming ? this.network.streams : "pass";
    if (network === "refuse") {
      // With CORS headers, as a proxy that lets pages read its refusal: the worst case, for it looks like the server's.
      const origin = { "access-control-allow-origin": asked.headers.origin ?? "*" };
      answer.writeHead(403, { "content-type": "text/html", ...origin }).end("<h1>Forbidden</h1>");
      return;
    }
    const { method, url, headers } = asked;
    const passed = request(
      { host: this.#target.hostname, port: this.#target.port, method, path: url, headers },
      (got) => {
        if (network === "hold") return void got.resume();
        answer.writeHead(got.statusCode ?? 502, got.headers);
        answer.flushHeaders();
        got.pipe(answer).on("error", () => got.destroy());
        got.on("error", () => answer.destroy());
      },
    );
    passed.on("error", () => answer.destroy());
    answer.on("close", () => passed.destroy());
    asked.pipe(passed);
  }

  #tunnel(asked: IncomingMessage, socket: Socket, head: Buffer): void {
    if (this.network.sockets === "refuse") {
      socket.end("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
      return;
    }
    const headers = asked.rawHeaders.map((part, index) => (index % 2 === 0 ? `${part}: ` : `${part}\r\n`)).join("");
    const through = connect(Number(this.#target.port), this.#target.hostname, () => {
      through.write(`${asked.method} ${asked.url} HTTP/1.1\r\n${headers}\r\n`);
      through.write(head);
      through.pipe(socket).pipe(through);
    });
    this.sockets += 1;
    this.#tunnels.add(socket);
    socket.on("close", () => {
      this.#tunnels.delete(socket);
      through.destroy();
    });
    through.on("error", () => socket.destroy()).on("close", () => socket.destroy());
  }
}
