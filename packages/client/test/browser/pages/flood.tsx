/** Three views of one request, whose renders are counted frame by frame. */
import { Profiler, type ReactElement } from "react";
import { createRoot } from "react-dom/client";
import { connect } from "@streamer/client";
import { StreamerProvider, useRun } from "@streamer/client/react";
import { expose, requestId, token, url } from "./settings.ts";

/** Commits by frame. */
const commits: number[] = [];
/** What the views showed when they did not show the same. */
const torn: string[] = [];
expose({ commits, torn });

let frame = 0;
requestAnimationFrame(function next() {
  frame += 1;
  requestAnimationFrame(next);
});

function View({ id }: { readonly id: string }): ReactElement {
  const { state, progress } = useRun(id);
  return <p className="view">{`${state?.status} ${progress?.percentage ?? 0}`}</p>;
}

function countCommit(): void {
  commits[frame] = (commits[frame] ?? 0) + 1;
  const shown = Array.from(document.querySelectorAll(".view"), ({ textContent }) => textContent);
  if (new Set(shown).size > 1) torn.push(shown.join());
}

const client = connect(url, { token });
createRoot(document.getElementById("root")!).render(
  <StreamerProvider client={client}>
    <Profiler id="views" onRender={countCommit}>
      {[1, 2, 3].map((key) => (
        <View key={key} id={requestId!} />
      ))}
    </Profiler>
  </StreamerProvider>,
);
