import type { RegistryContext } from './registry-api.ts';

/**
 * Sends chunks past Koa, each handed to the connection before the next is asked for: they are reused. An error
 * or a wrong length breaks the connection, so that nobody takes a part for the whole; before the first byte there
 * is still an answer to be given.
 * @param length bytes, as Content-Length says; undefined where nobody knows
 */
export async function streamContent(
  ctx: RegistryContext,
  chunks: AsyncIterable<Uint8Array>,
  length: number | undefined,
): Promise<void> {
  ctx.respond = false;
  const { res } = ctx;
  let sent = 0;
  try {
    for await (const chunk of chunks) {
      if (!(await written(res, chunk))) return;
      sent += chunk.length;
    }
  } catch (error) {
    if (res.headersSent) breakOff(ctx);
    throw error;
  }
  if (length !== undefined && sent !== length) {
    if (res.headersSent) breakOff(ctx);
    throw new Error(
      `sent ${sent} bytes of ${length}: the content is shorter or longer than the storage said`,
    );
  }
  res.end();
}

/**
 * Breaks the connection. To a client of HTTP/1.0 (nginx as it is asks in that version) the end of a connection is the
 * end of a content without length: only a reset tells it that something is missing.
 */
function breakOff({ req, res }: RegistryContext): void {
  const { socket } = req;
  const isTcp = socket.remoteAddress !== undefined && !('encrypted' in socket);
  if (req.httpVersion === '1.0' && isTcp && !socket.destroyed) socket.resetAndDestroy();
  res.destroy();
}

/** @returns false when the client has gone */
function written(res: RegistryContext['res'], chunk: Uint8Array): Promise<boolean> {
  return new Promise((resolve) => {
    const gone = () => resolve(false);
    res.once('close', gone);
    res.write(chunk, (error) => {
      res.off('close', gone);
      resolve(error === null || error === undefined);
    });
  });
}
