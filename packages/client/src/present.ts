/** Members that T may lack may be undefined. */
type Loose<T> = { readonly [K in keyof T]: {} extends Pick<T, K> ? T[K] | undefined : T[K] };

/** Without the members that are undefined: whoever compares or prints an object knows absence only. */
export function present<T extends object>(members: NoInfer<Loose<T>>): T {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as T;
}
