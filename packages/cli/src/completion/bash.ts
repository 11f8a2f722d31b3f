import type { CommandWords, OptionWords, Value } from "./words.ts";

const namesOf = ({ long, short }: OptionWords): readonly string[] => (short === undefined ? [long] : [short, long]);

/** Works in bash 3.2, which macOS has, too. */
export function bashCompletion(commands: readonly CommandWords[]): string {
  const values = commands.flatMap(({ name, options }) =>
    options.flatMap((option) => {
      if (option.value === undefined) return [];
      const pattern = namesOf(option).map((word) => `"${name} ${word}"`);
      return [`    ${pattern.join(" | ")}) ${offer(option.value)} return ;;`];
    }),
  );
  const words = commands.map(({ name, options, arguments: places }) => {
    const choices = places.flatMap((place) => (typeof place === "object" ? place.words : []));
    return `    ${name}) _streamer_words "${[...choices, ...options.flatMap(namesOf)].join(" ")}" ;;`;
  });
  return `# bash completion for streamer
_streamer_words() { COMPREPLY=($(compgen -W "$1" -- "$cur")); }
_streamer_files() {
  local IFS=$'\\n'
  COMPREPLY=($(compgen "$1" -- "$cur"))
  compopt -o filenames 2>/dev/null
}
_streamer() {
  local cur=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} command= i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    if [[ \${COMP_WORDS[i]} != -* ]]; then
      command=\${COMP_WORDS[i]}
      break
    fi
  done
  case "$command $before" in
${values.join("\n")}
  esac
  case $command in
    "") _streamer_words "${commands.map(({ name }) => name).join(" ")} --help --version" ;;
${words.join("\n")}
  esac
}
complete -F _streamer streamer
`;
}

function offer(value: Value): string {
  if (typeof value === "object") return `_streamer_words "${value.words.join(" ")}";`;
  if (value === "anything") return "";
  return `_streamer_files ${value === "file" ? "-f" : "-d"};`;
}
