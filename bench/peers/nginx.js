// Which back end a name has, as nginx can say it.
var chosen = '';

function preread(session) {
    session.on('upload', function (data, flags) {
        if (data.indexOf('\n') == -1)
            return;
        session.off('upload');
        if (data.toLowerCase().startsWith('echo\r\n')) {
            chosen = '127.0.0.1:@ECHO@';
            session.done();
        } else {
            session.deny();
        }
    });
}

function backend(session) {
    return chosen;
}

export default {preread, backend};
