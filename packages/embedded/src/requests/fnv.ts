/** FNV-1a of 32 bits (Fowler, Noll, Vo: RFC 9923 §2.2) of a text of ASCII. In a loop here, as no call into the runtime is as short. */
export function fnv1a(text: string): number {
  let hash = 0x81_1c_9d_c5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01_00_01_93);
  return hash;
}
