/** The elements that a page's Markdown may have; what else looks like a tag is shown as it was written. */
export const ALLOWED_ELEMENTS: readonly string[] = (
  'p br hr div span section article center blockquote pre code kbd samp ' +
  'h1 h2 h3 h4 h5 h6 ul ol li dl dt dd a img figure figcaption ' +
  'strong em b i u s strike del ins sub sup small big mark q cite ' +
  'abbr var bdi bdo ruby rt rp wbr ' +
  'table caption colgroup col thead tbody tfoot tr th td'
).split(' ')

/** No `id`, `name`, `class` or `style`: nothing of a page can be taken for a part of the app. */
export const ALLOWED_ATTRIBUTES: readonly string[] =
  'href src alt title lang dir align valign colspan rowspan span scope start type value reversed data-formula'.split(
    ' ',
  )
