/** Colours of the report: one place, so that charts and tables look like one document. A mapping may bring its own. */
export interface Palette {
  /** Titles, headers and rules. */
  readonly ink: string;
  readonly text: string;
  readonly muted: string;
  readonly rule: string;
  readonly band: string;
  /** Bars. */
  readonly accent: string;
  /** The same, for what is only part of a period. */
  readonly pale: string;
  readonly second: string;
  readonly negative: string;
  readonly warning: string;
}

const OURS: Palette = {
  ink: "#14324A",
  text: "#26333D",
  muted: "#5B6B78",
  rule: "#D5DDE3",
  band: "#F3F6F8",
  accent: "#1F6F8B",
  pale: "#A5C5D1",
  second: "#E08E45",
  negative: "#B3423A",
  warning: "#FFF6E5",
};

/** Least contrast of letters on white: what WCAG asks of large ones. */
const LEAST_CONTRAST = 3;

export interface OwnColours {
  readonly primary?: string | undefined;
  readonly accent?: string | undefined;
}

/** A primary colour that is too light to be read on white is not used for letters. */
export function paletteOf({ primary, accent }: OwnColours): Palette {
  const ink = primary !== undefined && contrastOnWhite(primary) >= LEAST_CONTRAST ? primary : OURS.ink;
  const bars = accent ?? (primary === undefined ? OURS.accent : primary);
  return { ...OURS, ink, accent: bars, pale: lighter(bars) };
}

const channels = (colour: string): readonly number[] => [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));

function contrastOnWhite(colour: string): number {
  const [red = 0, green = 0, blue = 0] = channels(colour).map((channel) => {
    const part = channel / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05);
}

/** More than half way to white. */
function lighter(colour: string): string {
  const mixed = channels(colour).map((channel) => Math.round(channel + (255 - channel) * 0.6));
  return `#${mixed.map((channel) => channel.toString(16).padStart(2, "0")).join("")}`;
}
