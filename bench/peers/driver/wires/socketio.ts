/** Socket.IO 4 over WebSocket: the text packets of Engine.IO 4, spoken directly. */
import type { Wire } from "../wire.ts";

const OPEN = "0";
const PING = "2";
const MESSAGE = "4";
const CONNECT = "0";
const ACK = "3";

interface Said {
  readonly id: number;
  readonly pct: number;
  readonly ts: number;
}

export const socketio: Wire = {
  path: () => "/socket.io/?EIO=4&transport=websocket",
  // The server speaks first.
  open: () => {},
  echo: (connection, id, text) => connection.send(`42${id}["echo","${text}"]`),
  submit: (connection, id, kind, data) => connection.send(`42${id}["job","${kind}",${JSON.stringify(data)},${id}]`),
  broadcast: (connection) => connection.send('42["cast"]'),
  hear(text, connection, heard) {
    if (text[0] === OPEN) return connection.send("40");
    if (text[0] === PING) return connection.send("3");
    if (text[0] !== MESSAGE) return;
    if (text[1] === CONNECT) return connection.ready();
    if (text[1] === ACK) {
      const at = text.indexOf("[");
      const id = Number(text.slice(2, at));
      const [what] = JSON.parse(text.slice(at)) as [string];
      return what === "accepted" ? heard.acknowledged(id, connection) : heard.echo(id, connection);
    }
    const [event, { id, pct, ts }] = JSON.parse(text.slice(2)) as [string, Said];
    switch (event) {
      case "progress":
        return heard.progress(id, pct, ts);
      case "result":
        return heard.result(id, connection);
      case "push":
        return heard.push(ts);
      default:
        return heard.failed(text);
    }
  },
};
