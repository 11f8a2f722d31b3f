/** The encodings a text file may be in: those of the WHATWG standard that tables are found in, under the names people use. */

/** By the name given, in lower case: the decoder's. */
const DECODERS: Readonly<Record<string, string>> = {
  "utf-8": "utf-8",
  "utf-16": "utf-16",
  "utf-16le": "utf-16le",
  "utf-16be": "utf-16be",
  "windows-1252": "windows-1252",
  "latin-1": "windows-1252",
  "iso-8859-1": "windows-1252",
  "iso-8859-2": "iso-8859-2",
  "iso-8859-9": "windows-1254",
  "iso-8859-15": "iso-8859-15",
  "windows-1250": "windows-1250",
  "windows-1251": "windows-1251",
  "windows-1253": "windows-1253",
  "windows-1254": "windows-1254",
  "windows-1255": "windows-1255",
  "windows-1256": "windows-1256",
  "windows-1257": "windows-1257",
  "koi8-r": "koi8-r",
  ibm866: "ibm866",
  macintosh: "macintosh",
  shift_jis: "shift_jis",
  "euc-jp": "euc-jp",
  "euc-kr": "euc-kr",
  gb18030: "gb18030",
  big5: "big5",
};

export const ENCODINGS = Object.keys(DECODERS) as readonly string[] as readonly [string, ...string[]];

export const decoderOf = (encoding: string): string => DECODERS[encoding]!;
