# Completion of alloctrace for fish:  alloctrace completion fish | source
function __alloctrace_suggest
    set -l line (commandline -cp)
    set -l words (commandline -opc)
    $words[1] "[suggest:"(string length -- "$line")"]" "$line" 2>/dev/null | string match -v '/*'
end
complete -c alloctrace -a '(__alloctrace_suggest)'
