"""A page that draws colour alone, to hold the drawing of all planes against it.

The scene's own code runs unchanged. Its shaders are compiled without their second and third output, so that
what only those need is left out as dead code; its frame buffers write the first target alone; the other two
are not read.
"""

COLOUR_ALONE = r"""() => {
    const gl = WebGL2RenderingContext.prototype;
    const { shaderSource, drawBuffers, readBuffer, readPixels, getBufferSubData } = gl;
    const others = /layout\s*\(\s*location\s*=\s*[12]\s*\)\s*out\s+((?:\w+\s+)+\w+\s*;)/g;
    gl.shaderSource = function (shader, text) {
        shaderSource.call(this, shader, text.replace(others, "$1"));
    };
    gl.drawBuffers = function (targets) {
        drawBuffers.call(this, targets.map((target, i) => (i === 0 ? target : gl.NONE)));
    };
    let first = true;
    gl.readBuffer = function (target) {
        first = target === gl.COLOR_ATTACHMENT0 || target === gl.BACK || target === gl.NONE;
        readBuffer.call(this, target);
    };
    gl.readPixels = function (...what) {
        if (first) readPixels.apply(this, what);
    };
    gl.getBufferSubData = function (target, offset, planes) {
        getBufferSubData.call(this, target, offset, planes, 0, planes.length / 3);
        // The page looks at the last byte of a plane for the picture of a lost context.
        planes[planes.length - 1] = 255;
    };
}"""
"""To be run in a page before the scene's own script."""
