/** One update that its instrument can't hold; the frame's other updates can. The message is the reason. */
export class NotRecordable extends Error {
  override readonly name = 'NotRecordable'
}
