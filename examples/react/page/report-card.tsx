/** One report: what happens to it, and what became of it. */
import type { ReactElement, ReactNode } from "react";
import type { RunState } from "@streamer/client";
import { useRun } from "./hooks.ts";
import type { KeptReport } from "./kept-reports.ts";
import { periodName } from "./periods.ts";

const STAGES = { query: "Read", process: "Analyse", generate: "Write", finalize: "Store" } as const;
const FORMATS = { pdf: "PDF", excel: "Excel", csv: "CSV" } as const;

interface ReportCardProps {
  readonly report: KeptReport;
  readonly onAgain: () => void;
  readonly onRemove: () => void;
}

export function ReportCard({ report, onAgain, onRemove }: ReportCardProps): ReactElement {
  const { status, state, progress, data, error, cancel } = useRun<"generate_report">(report.reference);
  const { start_date: start, end_date: end, format = "pdf" } = report.input;
  const title = `Sales ${periodName(start, end)}`;
  const isCancelled = error?.code === "CANCELLED";

  return (
    <article className={`panel card ${status}`} aria-label={title}>
      <header>
        <h2>{title}</h2>
        <span className="format">{FORMATS[format]}</span>
        {status === "pending" ? (
          <button onClick={cancel} disabled={state?.cancellation !== undefined}>
            {state?.cancellation === undefined ? "Cancel" : "Cancelling…"}
          </button>
        ) : (
          <button onClick={onRemove}>Remove</button>
        )}
      </header>
      {status === "pending" && (
        <>
          <progress aria-label={title} max={100} {...(progress && { value: progress.percentage })} />
          <ol className="stages">
            {Object.entries(STAGES).map(([stage, name]) => (
              <li key={stage} aria-current={stage === progress?.stage ? "step" : undefined}>
                {name}
              </li>
            ))}
          </ol>
          <p className="note">{sayWhere(state)}</p>
        </>
      )}
      {data && (
        <>
          <Figures stats={data.stats as unknown as Stats} />
          <a className="primary" href={data.url} download>
            Download <small>{sizeOf(data.size_bytes)}</small>
          </a>
        </>
      )}
      {error && (
        <div className="problem">
          <p role={isCancelled ? "status" : "alert"}>{isCancelled ? "Cancelled." : error.message}</p>
          <button onClick={onAgain}>Make it again</button>
        </div>
      )}
    </article>
  );
}

/** Why it waits, or what it does and how long that will take. */
function sayWhere(state: RunState | undefined): ReactNode {
  if (state?.waiting?.reason === "queue") return `Waiting for ${state.waiting.position === 1 ? "the report before it" : "other reports"}`;
  if (state?.waiting?.reason === "backoff") return "Trying again in a moment";
  if (!state?.progress) return "Starting";
  const { message, eta } = state.progress;
  return (
    <>
      {message}
      {eta && <span> · about {Math.max(1, Math.round(eta.p50Ms / 1_000))} s left</span>}
    </>
  );
}

/** What of a report's figures is shown here. */
interface Stats {
  readonly currency: string;
  readonly totals: { readonly revenue: number; readonly orders: number; readonly customers: number };
}

function Figures({ stats: { currency, totals } }: { readonly stats: Stats }): ReactElement {
  const money = new Intl.NumberFormat("en", { style: "currency", currency, notation: "compact", maximumFractionDigits: 1 });
  const count = new Intl.NumberFormat("en");
  return (
    <dl className="figures">
      <div>
        <dt>Revenue</dt>
        <dd>{money.format(totals.revenue)}</dd>
      </div>
      <div>
        <dt>Orders</dt>
        <dd>{count.format(totals.orders)}</dd>
      </div>
      <div>
        <dt>Customers</dt>
        <dd>{count.format(totals.customers)}</dd>
      </div>
    </dl>
  );
}

function sizeOf(bytes: number): string {
  return bytes < 1_000_000 ? `${Math.ceil(bytes / 1_000)} KB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
