/** Where a server is looked for, and where it looks, when nobody says. */
export const DEFAULT_PORT = 8_080;
export const DEFAULT_DATA_FOLDER = "./streamer-data";
