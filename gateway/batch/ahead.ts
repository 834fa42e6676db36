/** Loads items side by side, so many at a time, and yields what was loaded in their order. Throws what loading one throws. */
export async function* inOrderAhead<Item, Loaded>(
  items: readonly Item[],
  ahead: number,
  load: (item: Item) => Promise<Loaded>,
): AsyncGenerator<Loaded, void, undefined> {
  const loading: Promise<Loaded>[] = []
  const begin = (item: Item): void => {
    const loaded = load(item)
    // What fails is thrown in its turn.
    loaded.catch(() => {})
    loading.push(loaded)
  }
  for (const item of items) {
    begin(item)
    if (loading.length >= ahead) yield await (loading.shift() as Promise<Loaded>)
  }
  for (const loaded of loading) yield await loaded
}
