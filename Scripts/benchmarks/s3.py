"""A small S3 client: it fills buckets, and shows how fast the server itself is."""

import concurrent.futures
import datetime
import hashlib
import hmac
import http.client
import urllib.parse
import xml.etree.ElementTree

ACCESS, SECRET, REGION = "testkey", "testsecret", "us-east-1"


class Client:
    """One connection that is kept open; not for two threads."""

    def __init__(self, port):
        self.port = port
        self.host = f"127.0.0.1:{port}"
        self.connection = http.client.HTTPConnection(self.host, timeout=600)

    def send(self, method, path, query=(), body=b"", headers=()):
        path = urllib.parse.quote(path)
        query = "&".join(
            f"{quoted(name)}={quoted(value)}" for name, value in sorted(query)
        )
        signed = sign(method, self.host, path, query)
        target = path + ("?" + query if query else "")
        self.connection.request(method, target, body=body, headers={**signed, **dict(headers)})
        answer = self.connection.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {content[:300]}")
        return content

    def put(self, bucket, key, body, headers=()):
        self.send("PUT", f"/{bucket}/{key}", body=body, headers=headers)

    def get(self, bucket, key, first, last):
        return self.send("GET", f"/{bucket}/{key}", headers={"Range": f"bytes={first}-{last}"})

    def put_in_parts(self, bucket, key, part, count, connections=1):
        """An object that is one part, several times over, sent on a number of connections."""
        path = f"/{bucket}/{key}"
        answer = xml.etree.ElementTree.fromstring(self.send("POST", path, [("uploads", "")]))
        upload = answer.find("{*}UploadId").text

        def put(numbers):
            client = Client(self.port)
            for number in numbers:
                query = [("partNumber", str(number)), ("uploadId", upload)]
                client.send("PUT", path, query, body=part)

        with concurrent.futures.ThreadPoolExecutor(connections) as pool:
            list(pool.map(put, [range(1 + i, count + 1, connections) for i in range(connections)]))
        etag = hashlib.md5(part).hexdigest()
        document = "<CompleteMultipartUpload>"
        for number in range(1, count + 1):
            document += f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"
        document += "</CompleteMultipartUpload>"
        self.send("POST", path, [("uploadId", upload)], body=document.encode())

    def list(self, bucket, prefix, besides=None):
        """All keys below a prefix, page after page, but for those with an ending."""
        keys, token = [], None
        while True:
            query = [("list-type", "2"), ("prefix", prefix), ("max-keys", "1000")]
            if token:
                query.append(("continuation-token", token))
            page = xml.etree.ElementTree.fromstring(self.send("GET", f"/{bucket}", query))
            found = [item.text for item in page.iterfind("{*}Contents/{*}Key")]
            keys += [key for key in found if not besides or not key.endswith(besides)]
            token = page.findtext("{*}NextContinuationToken")
            if not token:
                return keys


def put_many(port, bucket, jobs, workers=4, headers=()):
    """Puts objects of given sizes, each a key and a size, from processes side by side."""
    with concurrent.futures.ProcessPoolExecutor(workers) as pool:
        work = [(port, bucket, jobs[i::workers], headers) for i in range(workers)]
        list(pool.map(put_each, *zip(*work)))


def put_each(port, bucket, jobs, headers):
    client = Client(port)
    for key, size in jobs:
        client.put(bucket, key, b"x" * size, headers)


def quoted(text):
    return urllib.parse.quote(text, safe="-_.~")


def sign(method, host, path, query):
    """The headers of AWS Signature Version 4, with a body that is not signed."""
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    headers = {
        "host": host,
        "x-amz-content-sha256": "UNSIGNED-PAYLOAD",
        "x-amz-date": now,
    }
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    canonical = f"{method}\n{path}\n{query}\n{lines}\n{names}\nUNSIGNED-PAYLOAD"
    scope = f"{now[:8]}/{REGION}/s3/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = ("AWS4" + SECRET).encode()
    for part in (now[:8], REGION, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{digest}"
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={ACCESS}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return headers
