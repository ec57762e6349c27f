extension Commands {
    static let completion = Command(
        name: "completion",
        summary: "Prints the script with which a shell completes the words of gosync",
        details: """
            In ~/.bashrc, in ~/.zshrc after compinit, or in ~/.config/fish/config.fish:

                source <(gosync completion bash)
                source <(gosync completion zsh)
                gosync completion fish | source
            """,
        arguments: [
            Command.Argument(
                name: "SHELL",
                help: "bash, zsh or fish",
                words: .oneOf(Shell.self)
            )
        ],
        examples: ["completion bash"],
        run: { invocation in
            let name = invocation.arguments[0]
            guard let shell = Shell(rawValue: name) else {
                let known = Shell.allCases.map(\.rawValue).joined(separator: ", ")
                throw invocation.misused("SHELL is one of \(known), not '\(name)'")
            }
            Output.line(shell.script)
        }
    )

    /// What the scripts ask: the first line says whether files of this machine fit as well; then a
    /// candidate a line, with a tab before what it means.
    static let complete = Command(
        name: "complete",
        summary: "Prints what may stand in place of the last word",
        arguments: [
            Command.Argument(name: "WORD", count: .oneOrMore, help: "the words after gosync")
        ],
        isHidden: true,
        run: { invocation in
            let completion = Completion(invocation.arguments, as: root) { kind, begun in
                // Nobody is told what is wrong while he types.
                (try? Daemon(invocation).words(kind, begun: begun)) ?? []
            }
            Output.line(completion.takesLocalFiles ? "files" : "words")
            // A candidate with a line break cannot be told.
            for candidate in completion.candidates where !candidate.word.utf8.contains(10) {
                Output.line(
                    candidate.word + (candidate.help.isEmpty ? "" : "\t" + candidate.help)
                )
            }
        }
    )

    private enum Shell: String, CaseIterable {
        case bash, zsh, fish

        var script: String {
            switch self {
            case .bash: bashScript
            case .zsh: zshScript
            case .fish: fishScript
            }
        }
    }
}

// bash cuts words at '=' and ':' as well, and expects only what comes after; so the line is cut here
// at spaces, as far as it is not quoted.
private let bashScript = #"""
    _gosync() {
        local line=${COMP_LINE:0:COMP_POINT} word current cut
        local -a words answer
        mapfile -t words < <(xargs -n1 printf '%s\n' <<<"$line" 2>/dev/null)
        [[ $line == *[[:space:]] ]] && words+=("")
        (( ${#words[@]} > 1 )) || return 0
        current=${words[-1]}
        cut=${current%"${current##*[=:]}"}
        mapfile -t answer < <(gosync complete -- "${words[@]:1}" 2>/dev/null)
        COMPREPLY=()
        for word in "${answer[@]:1}"; do
            word=${word%%$'\t'*}
            word=${word#"$cut"}
            [[ ${answer[0]} == files ]] || printf -v word '%q' "$word"
            COMPREPLY+=("$word")
        done
        if [[ ${answer[0]} == files ]]; then
            compopt -o filenames 2>/dev/null
            mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "${current#"$cut"}")
        fi
        if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == */ ]]; then
            compopt -o nospace 2>/dev/null
        fi
        return 0
    }
    complete -F _gosync gosync
    """#

private let zshScript = #"""
    #compdef gosync
    _gosync() {
        local -a answer described directories
        local line word
        answer=("${(@f)$(gosync complete -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
        for line in "${(@)answer[2,-1]}"; do
            word=${line%%$'\t'*}
            if [[ $word == */ ]]; then
                directories+=("$word")
            elif [[ $line == *$'\t'* ]]; then
                described+=("${word//:/\\:}:${line#*$'\t'}")
            else
                described+=("${word//:/\\:}")
            fi
        done
        (( $#directories )) && compadd -S '' -- "${directories[@]}"
        (( $#described )) && _describe gosync described
        [[ ${answer[1]} == files ]] && _files
    }
    if [[ ${funcstack[1]} == _gosync ]]; then
        _gosync "$@"
    else
        compdef _gosync gosync
    fi
    """#

private let fishScript = #"""
    function __gosync_complete
        set -l words (commandline -opc) (commandline -ct)
        set -l answer (gosync complete -- $words[2..] 2>/dev/null)
        or return
        for line in $answer[2..]
            echo $line
        end
        if test "$answer[1]" = files
            __fish_complete_path (commandline -ct)
        end
    end
    complete -c gosync -f -a '(__gosync_complete)'
    """#
