import type { Upstream } from '../../../gateway/upstream/upstream.ts'

/** Returns a server that is well and serves `model`, with what a test says of it. */
export function toldUpstream(url: string, told: Partial<Upstream>): Upstream {
  const well: Partial<Upstream> = {
    url,
    models: () => [{ id: 'model' } as ReturnType<Upstream['models']>[number]],
    isWell: () => true,
    isAvailable: () => true,
    isPrompt: () => true,
    takesFirst: () => false,
  }
  return { ...well, ...told } as Upstream
}
