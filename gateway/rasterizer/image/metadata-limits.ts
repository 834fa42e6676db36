/**
 * A colour profile of more bytes is left out, and the image's colours are taken for sRGB: printers' profiles with large
 * tables have up to 2 MB.
 */
export const MAX_PROFILE_BYTES = 4 * 2 ** 20

/** EXIF of more bytes, which JPEG has no room for, is left out with the orientation in it; libvips reads none either. */
export const MAX_EXIF_BYTES = 65_535
