/** The whole app: a form, and a card for each report this browser has asked for. */
import { StrictMode, type ReactElement } from "react";
import { createRoot } from "react-dom/client";
import type { ConnectionState } from "@streamer/client";
import { StreamerProvider } from "@streamer/client/react";
import { useConnection, useRequest, type ReportRequest } from "./hooks.ts";
import { useKeptReports } from "./kept-reports.ts";
import { ReportCard } from "./report-card.tsx";
import { ReportForm } from "./report-form.tsx";

interface Settings {
  readonly server: string;
  readonly firstDay: string;
  readonly lastDay: string;
}

const settings = JSON.parse(document.getElementById("settings")!.textContent) as Settings;

async function fetchToken(): Promise<string> {
  return (await fetch("/token")).text();
}

const CONNECTION: Record<ConnectionState["status"], string> = {
  open: "Live",
  connecting: "Connecting…",
  waiting: "Reconnecting…",
  closed: "Disconnected",
};

function App(): ReactElement {
  const connection = useConnection();
  const { submit } = useRequest("generate_report");
  const { reports, add, remove } = useKeptReports();
  const make = (input: ReportRequest): void => add({ reference: submit(input).toJSON(), input });

  return (
    <main>
      <header className="top">
        <h1>Reports</h1>
        <p role="status" className={`connection ${connection.status}`}>
          {CONNECTION[connection.status]}
        </p>
      </header>
      <ReportForm {...settings} onSubmit={make} />
      {reports.length === 0 && (
        <p className="empty">Reports you make are listed here. Reload the page, or come back tomorrow: they go on.</p>
      )}
      {reports.map((report) => (
        <ReportCard
          key={report.reference.id}
          report={report}
          onRemove={() => remove(report)}
          onAgain={() => {
            remove(report);
            make(report.input);
          }}
        />
      ))}
    </main>
  );
}

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <StreamerProvider url={settings.server} options={{ token: fetchToken }}>
      <App />
    </StreamerProvider>
  </StrictMode>,
);
