declare module "@20minutes/s3rver" {
  export default class S3rver {
    constructor(options: { readonly port: number; readonly address: string; readonly silent: boolean; readonly directory: string });
    run(): Promise<unknown>;
    close(): Promise<void>;
  }
}
