const NUMBER = String.raw`(\d{1,4})`
const TAG = new RegExp(
  String.raw`<img[ \t]{1,9}src="images/bbox_${[1, 2, 3, 4].map(() => NUMBER).join('_')}\.jpg"[ \t]{0,9}/?>`,
  'g',
)

/**
 * Writes pictures that are named after their place, `<img src="images/bbox_112_80_640_455.jpg" />`, as other models mark them:
 * `![](image_1.png)112,80,640,455`, in thousandths of the page.
 */
export function nameBoxedImages(text: string): string {
  let count = 0
  return text.replace(TAG, (_, ...places: string[]) => `![](image_${++count}.png)${places.slice(0, 4).join(',')}`)
}
