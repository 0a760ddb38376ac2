/** One update that its instrument can't hold, unlike the frame's other updates. The message is the reason. */
export class NotRecordable extends Error {
  override readonly name = 'NotRecordable'
}
