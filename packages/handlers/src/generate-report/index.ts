export { coveredDays, type CoveredDays } from "./covered-days.ts";
export { createGenerateReport, type GenerateReport, type GenerateReportOptions, type ReportResult } from "./generate-report.ts";
export { MAX_CUSTOM_DAYS, MAX_DAYS, type ReportInput } from "./input.ts";
export { MAPPING_FILE, loadMapping, type ReportMapping } from "./mapping.ts";
export { FONT_PACKAGES } from "./pdf/text/face-files.ts";
export { SAMPLE_ROWS, writeSampleShop, type SampleShop, type SampleShopOptions } from "./sample-shop.ts";
