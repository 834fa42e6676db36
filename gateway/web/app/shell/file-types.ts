/** What every gateway reads. Browsers do not know the types of all of these endings. */
const READ = 'application/pdf,image/*,.pdf,.tif,.tiff,.heic,.heif,.jp2,.avif,.webp'

/** What one with a Gotenberg reads as well; docs/office-documents.md has the same. */
const CONVERTED = [
  '.docx,.docm,.dotx,.dotm,.doc,.dot,.xlsx,.xlsm,.xltx,.xltm,.xlsb,.xls,.pptx,.pptm,.ppsx,.potx,.ppt,.pps',
  '.odt,.ott,.odm,.ods,.ots,.odp,.otp,.odg,.otg,.vsdx,.vsd,.rtf,.epub,.html,.htm,.xhtml,.eml',
].join(',')

/** Returns what a file chooser offers, as the `accept` of an input says it. */
export function acceptedFiles(readsOffice: boolean): string {
  return readsOffice ? `${READ},${CONVERTED}` : READ
}
