from tests.realtime.support import *
async def test_a():
    async with serving() as n, serving() as m:
        for node in (n,m,n):
            c=await Raw.connect(node.port); c.send(TEXT,b"hello"); assert (await c.read()).payload==b"hello"
            c.write(close_frame(1000)); assert await c.end()==1000
            await c.leave()
            d=await Raw.dial(node.port); d.write(b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"); print(await d.answer()); await d.leave()
