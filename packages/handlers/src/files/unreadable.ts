/** A file that cannot be read as it stands. The message ends with what to do; `setting` names what would decide it. */
export class UnreadableFile extends Error {
  readonly setting: "encoding" | "sheet" | undefined;

  constructor(message: string, setting?: "encoding" | "sheet") {
    super(message);
    this.setting = setting;
  }
}
