/** Names of columns that nothing takes for one another: SQL, Parquet and many a reader do not tell cases apart. */

/** A name that is there already, but for its case, gets a number behind; an empty one is `column`. */
export function distinctNames(names: readonly string[]): readonly string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    const base = name === "" ? "column" : name;
    let distinct = base;
    for (let number = 1; taken.has(distinct.toLowerCase()); number += 1) distinct = `${base}_${number}`;
    taken.add(distinct.toLowerCase());
    return distinct;
  });
}
