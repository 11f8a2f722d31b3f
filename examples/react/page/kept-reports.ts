/** The reports this browser has asked for, kept where a reload finds them. */
import { useEffect, useState } from "react";
import type { RunReference } from "@streamer/client";
import type { ReportRequest } from "./hooks.ts";

export interface KeptReport {
  readonly reference: RunReference;
  readonly input: ReportRequest;
}

export interface KeptReports {
  /** Newest first. */
  readonly reports: readonly KeptReport[];
  add(report: KeptReport): void;
  remove(report: KeptReport): void;
}

const KEY = "reports";

export function useKeptReports(): KeptReports {
  const [reports, setReports] = useState(() => JSON.parse(localStorage.getItem(KEY) ?? "[]") as readonly KeptReport[]);
  useEffect(() => localStorage.setItem(KEY, JSON.stringify(reports)), [reports]);
  return {
    reports,
    add: (report) => setReports((others) => [report, ...others]),
    remove: (report) => setReports((others) => others.filter((other) => other !== report)),
  };
}
