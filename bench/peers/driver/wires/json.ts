/** The small JSON protocol of the fronts on `ws`. */
import type { JobData } from "../../programs/jobs.ts";
import type { Wire } from "../wire.ts";

type Message =
  | { readonly t: "echo" | "ack" | "result"; readonly id: number }
  | { readonly t: "progress"; readonly id: number; readonly pct: number; readonly ts: number }
  | { readonly t: "push"; readonly ts: number }
  | { readonly t: "error"; readonly id: number; readonly e: string };

export const json: Wire = {
  path: () => "/ws",
  open: (connection) => connection.ready(),
  echo: (connection, id, text) => connection.send(`{"t":"echo","id":${id},"d":"${text}"}`),
  submit: (connection, id, kind, data: JobData) => connection.send(`{"t":"job","id":${id},"kind":"${kind}","d":${JSON.stringify(data)}}`),
  broadcast: (connection) => connection.send(`{"t":"cast","id":0}`),
  hear(text, connection, heard) {
    const message = JSON.parse(text) as Message;
    switch (message.t) {
      case "echo":
        return heard.echo(message.id, connection);
      case "ack":
        return heard.acknowledged(message.id, connection);
      case "progress":
        return heard.progress(message.id, message.pct, message.ts);
      case "result":
        return heard.result(message.id, connection);
      case "push":
        return heard.push(message.ts);
      case "error":
        return heard.failed(text);
    }
  },
};
