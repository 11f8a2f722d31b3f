import type { CommandWords, OptionWords, Value } from "./words.ts";

/** For `source <(…)`, and as a file named _streamer in $fpath. */
export function zshCompletion(commands: readonly CommandWords[]): string {
  const cases = commands.map(({ name, options, arguments: places }) => {
    const specs = [...options.map(optionSpec), ...places.map((place) => quote(`*:value:${action(place)}`))];
    return `        ${name}) _arguments -s ${specs.join(" ")} ;;`;
  });
  return `#compdef streamer
_streamer() {
  local context state state_descr line
  typeset -A opt_args
  _arguments -C '(- *)--help[display help]' '(- *)--version[display the version]' '1:command:->command' '*::argument:->argument'
  case $state in
    command)
      local -a commands
      commands=(${commands.map(({ name, summary }) => quote(`${name}:${summary}`)).join(" ")})
      _describe command commands
      ;;
    argument)
      case $words[1] in
${cases.join("\n")}
      esac
      ;;
  esac
}
if [[ $funcstack[1] == _streamer ]]; then _streamer "$@"; else compdef _streamer streamer; fi
`;
}

/** Any option may be given again: some take several, and it does no harm to the others. */
function optionSpec({ long, short, description, value }: OptionWords): string {
  const told = `[${description.replaceAll(/[[\]\\]/g, "\\$&")}]`;
  const taken = value === undefined ? "" : `:value:${action(value)}`;
  return [long, ...(short === undefined ? [] : [short])].map((word) => quote(`*${word}${told}${taken}`)).join(" ");
}

function action(value: Value): string {
  if (typeof value === "object") return `(${value.words.join(" ")})`;
  if (value === "anything") return " ";
  return value === "file" ? "_files" : "_files -/";
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
