export interface WireTarget { readonly url: string }
export function wireContract(_target: WireTarget): void {}
