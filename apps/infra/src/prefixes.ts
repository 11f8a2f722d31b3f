/** The bucket's parts: where what is kept, who may what and when it is forgotten meet. */
export const PREFIXES = { blobs: "blobs/", values: "values/", channels: "channels/", data: "data/" } as const;
