import type { CommandWords, Value } from "./words.ts";

export function fishCompletion(commands: readonly CommandWords[]): string {
  const lines = commands.flatMap(({ name, summary, options, arguments: places }) => {
    const within = `complete -c streamer -n '__fish_seen_subcommand_from ${name}'`;
    const words = places.flatMap((place) => (typeof place === "object" ? place.words : []));
    return [
      `complete -c streamer -n __fish_use_subcommand -a ${name} -d ${quote(summary)}`,
      ...(words.length > 0 ? [`${within} -a ${quote(words.join(" "))}`] : []),
      ...options.map(({ long, short, description, value }) => {
        const named = `-l ${long.slice(2)}${short === undefined ? "" : ` -s ${short.slice(1)}`}`;
        return `${within} ${named}${value === undefined ? "" : taking(value)} -d ${quote(description)}`;
      }),
    ];
  });
  return `# fish completion for streamer
complete -c streamer -f
complete -c streamer -n __fish_use_subcommand -l help -d 'display help'
complete -c streamer -n __fish_use_subcommand -l version -d 'display the version'
${lines.join("\n")}
`;
}

function taking(value: Value): string {
  if (typeof value === "object") return ` -x -a ${quote(value.words.join(" "))}`;
  if (value === "anything") return " -x";
  return value === "file" ? " -r -F" : " -x -a '(__fish_complete_directories)'";
}

const quote = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
