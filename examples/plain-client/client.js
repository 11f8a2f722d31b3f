/**
 * A client with nothing but a WebSocket, written from five message shapes: {action, request_id, payload} goes in;
 * response, acknowledgment, progress, complete and error come out. What it does not know it passes over. It neither
 * reconnects nor resumes: for that there is @streamer/client.
 *
 *   node client.js ws://127.0.0.1:8080 TOKEN echo '{"hello":"world"}'
 */
const [address, token, action, payload = "{}"] = process.argv.slice(2);
const url = new URL(address);
url.searchParams.set("Authorization", token);

const requestId = `req-${Date.now()}-${Math.random().toString(36).slice(2)}`;
const socket = new WebSocket(url);

function end(exitCode, line) {
  console.log(line);
  process.exitCode = exitCode;
  socket.close();
}

socket.addEventListener("open", () => {
  socket.send(JSON.stringify({ action, request_id: requestId, payload: JSON.parse(payload) }));
});

socket.addEventListener("message", ({ data }) => {
  const message = JSON.parse(data);
  if (message.request_id !== undefined && message.request_id !== requestId) return;
  switch (message.type) {
    case "response":
      if (message.success) end(0, `response ${JSON.stringify(message.data)}`);
      else end(1, `error ${message.error.code}: ${message.error.message}`);
      break;
    case "acknowledgment":
      console.log(`acknowledgment ${message.status}: ${message.message}`);
      break;
    case "progress":
      console.log(`progress ${message.percentage} % ${message.message ?? ""}`);
      break;
    case "complete":
      end(0, `complete ${JSON.stringify(message.result)}`);
      break;
    case "error":
      end(1, `error ${message.error.code}: ${message.error.message}`);
      break;
  }
});

socket.addEventListener("error", () => end(1, "the connection failed"));
