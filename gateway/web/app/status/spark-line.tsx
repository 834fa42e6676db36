import type { VNode } from 'preact'

const WIDTH = 240
const HEIGHT = 28

/** Draws counts as bars, the newest at the right; who cannot see it reads the numbers beside it. `most`: what fills the height. */
export function SparkLine({ values, most }: { readonly values: readonly number[]; readonly most: number }): VNode {
  const step = WIDTH / values.length
  return (
    <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      <line class="spark-ground" x1="0" x2={WIDTH} y1={HEIGHT - 0.5} y2={HEIGHT - 0.5} />
      {values.map((value, index) => {
        if (value === 0) return null
        // One page is seen beside a thousand.
        const height = Math.max(2, (value / Math.max(1, most)) * HEIGHT)
        return <rect key={index} x={index * step} width={step - 1} y={HEIGHT - height} height={height} />
      })}
    </svg>
  )
}
