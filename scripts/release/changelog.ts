/** CHANGELOG.md: what changed, in the words of whoever changed it. Everything since the last version is "Unreleased". */

const UNRELEASED = "Unreleased";
const HEADING = /^## (.+)$/gm;

interface Section {
  readonly title: string;
  readonly text: string;
}

/** Newest first. */
export function sectionsOf(changelog: string): readonly Section[] {
  const headings = Array.from(changelog.matchAll(HEADING));
  return headings.map((heading, index) => ({
    title: heading[1]!,
    text: changelog.slice(heading.index + heading[0].length, headings[index + 1]?.index).trim(),
  }));
}

/** Of `0.2.0` with or without its date. */
export const sectionOf = (changelog: string, version: string): Section | undefined =>
  sectionsOf(changelog).find(({ title }) => title === version || title.startsWith(`${version} (`));

/** What is unreleased becomes `version`; above it there is room for what comes next. */
export function released(changelog: string, version: string, date: string): string {
  const unreleased = sectionsOf(changelog).find(({ title }) => title === UNRELEASED);
  if (!unreleased) throw new Error(`CHANGELOG.md has no section "${UNRELEASED}".`);
  if (unreleased.text === "")
    throw new Error(`Nothing is written under "${UNRELEASED}" in CHANGELOG.md: say what ${version} changes, then again.`);
  if (sectionOf(changelog, version)) throw new Error(`CHANGELOG.md has a section ${version} already.`);
  return changelog.replace(`## ${UNRELEASED}\n`, () => `## ${UNRELEASED}\n\n## ${version} (${date})\n`);
}
