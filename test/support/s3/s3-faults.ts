/** Names as in the S3 API. */
export type S3Operation =
  | 'GetObject'
  | 'HeadObject'
  | 'PutObject'
  | 'CopyObject'
  | 'DeleteObject'
  | 'ListObjectsV2'
  | 'CreateMultipartUpload'
  | 'UploadPart'
  | 'UploadPartCopy'
  | 'CompleteMultipartUpload'
  | 'AbortMultipartUpload'
  | 'ListParts'
  | 'ListMultipartUploads';

export type FaultKind =
  /** Refuses, as S3 says it. */
  | { readonly kind: 'answer'; readonly status: number; readonly code: string }
  /** Answers 200, whose body is an error. */
  | { readonly kind: 'error-in-200'; readonly code: string }
  /** Carries the request out and cuts the connection before it answers. */
  | { readonly kind: 'lost-answer' }
  /** Cuts the connection before it does anything. */
  | { readonly kind: 'reset' }
  /** Sends the headers and half of the body, then cuts. */
  | { readonly kind: 'cut' }
  /** Never answers. */
  | { readonly kind: 'silence' }
  /** Carries out and answers when the promise resolves. */
  | { readonly kind: 'wait'; readonly until: Promise<void> };

export interface Fault {
  readonly operation: S3Operation | 'any';
  /** Only requests whose key matches. */
  readonly key?: RegExp;
  /** How many requests it lets pass first. Default: none. */
  readonly after?: number;
  /** How many requests it hits. Default: 1. */
  readonly times?: number;
  readonly fault: FaultKind;
}

export interface SeenRequest {
  readonly operation: S3Operation;
  readonly key: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** Which requests go wrong, and how. */
export class FaultScript {
  readonly seen: SeenRequest[] = [];
  #rules: { readonly fault: Fault; pass: number; left: number }[] = [];

  add(fault: Fault): void {
    this.#rules.push({ fault, pass: fault.after ?? 0, left: fault.times ?? 1 });
  }

  clear(): void {
    this.#rules = [];
  }

  count(operation: S3Operation): number {
    return this.seen.filter((request) => request.operation === operation).length;
  }

  next(request: SeenRequest): FaultKind | undefined {
    this.seen.push(request);
    const rule = this.#rules.find(
      ({ fault, left }) =>
        left > 0 &&
        (fault.operation === 'any' || fault.operation === request.operation) &&
        (fault.key === undefined || fault.key.test(request.key)),
    );
    if (rule === undefined) return undefined;
    if (rule.pass > 0) {
      rule.pass -= 1;
      return undefined;
    }
    rule.left -= 1;
    return rule.fault.fault;
  }
}
