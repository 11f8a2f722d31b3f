import { useState, type ReactElement, type SubmitEvent } from "react";
import type { ReportRequest } from "./hooks.ts";
import { periodsOf } from "./periods.ts";

const FORMATS = { pdf: "PDF", excel: "Excel", csv: "CSV" } as const;

interface ReportFormProps {
  readonly firstDay: string;
  readonly lastDay: string;
  readonly onSubmit: (input: ReportRequest) => void;
}

export function ReportForm({ firstDay, lastDay, onSubmit }: ReportFormProps): ReactElement {
  const periods = periodsOf(firstDay, lastDay);
  const [chosen, setChosen] = useState(0);
  const [format, setFormat] = useState<keyof typeof FORMATS>("pdf");

  function submit(event: SubmitEvent<HTMLFormElement>): void {
    event.preventDefault();
    const { start, end } = periods[chosen]!;
    onSubmit({ start_date: start, end_date: end, format, report_type: "monthly", include_charts: true });
  }

  return (
    <form className="panel" onSubmit={submit}>
      <label>
        <span className="caption">Period</span>
        <select value={chosen} onChange={({ target }) => setChosen(Number(target.value))}>
          {periods.map(({ name }, index) => (
            <option key={name} value={index}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <fieldset>
        <legend className="caption">Format</legend>
        <div className="choices">
          {Object.entries(FORMATS).map(([value, name]) => (
            <label key={value}>
              <input type="radio" name="format" checked={format === value} onChange={() => setFormat(value as keyof typeof FORMATS)} />
              <span>{name}</span>
            </label>
          ))}
        </div>
      </fieldset>
      <button className="primary" type="submit">
        Make report
      </button>
    </form>
  );
}
