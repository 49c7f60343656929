using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using RabbitMQ.Client;

namespace Moorcheh.Testing;

/// <summary>
/// A RabbitMQ server of its own on loopback: own directory, node name, ports, cookie and port mapper, no plugins. It can be killed and started again
/// over what it had on disk. Nothing of it is left when it is disposed.
/// </summary>
internal sealed class RabbitBroker : IAsyncDisposable
{
    // Not the one on the path: that wants a service account and its directories.
    private const string Server = "/usr/lib/rabbitmq/bin/rabbitmq-server";
    private const int SigStop = 19;
    private const int SigCont = 18;

    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(120);

    private readonly TemporaryDirectory _directory = new();
    private readonly int _port = FreePort();
    private readonly int _distributionPort = FreePort();
    private readonly int _mapperPort = FreePort();
    private readonly string _node = $"moorcheh-{Guid.NewGuid():N}@localhost";
    private readonly StringBuilder _output = new();
    private readonly Process _mapper;
    private Process? _server;

    private RabbitBroker()
    {
        File.WriteAllText(Path.Combine(_directory.Path, "plugins"), "[].");
        File.WriteAllText(Path.Combine(_directory.Path, "environment"), "");
        File.WriteAllText(Path.Combine(_directory.Path, "rabbitmq.conf"), "");
        _mapper = Run(new ProcessStartInfo("epmd") { ArgumentList = { "-port", $"{_mapperPort}", "-address", "127.0.0.1" } });
    }

    public string Address => AddressFor("guest", "guest");

    public static bool IsInstalled => File.Exists(Server);

    public static async Task<RabbitBroker> StartAsync()
    {
        var broker = new RabbitBroker();
        try
        {
            await broker.StartAgainAsync();
            return broker;
        }
        catch
        {
            await broker.DisposeAsync();
            throw;
        }
    }

    public string AddressFor(string user, string password) => $"amqp://{user}:{password}@127.0.0.1:{_port}/";

    /// <summary>Starts the server after <see cref="KillAsync"/>; it has what it had on disk.</summary>
    public async Task StartAgainAsync()
    {
        string In(string name) => Path.Combine(_directory.Path, name);
        _server = Run(new ProcessStartInfo(Server)
        {
            WorkingDirectory = _directory.Path,
            Environment =
            {
                ["HOME"] = _directory.Path,
                ["ERL_EPMD_PORT"] = $"{_mapperPort}",
                ["RUNNING_UNDER_SYSTEMD"] = "true", // Makes the script become the server, so that its id is the server's.
                ["RABBITMQ_NODENAME"] = _node,
                ["RABBITMQ_NODE_IP_ADDRESS"] = "127.0.0.1",
                ["RABBITMQ_NODE_PORT"] = $"{_port}",
                ["RABBITMQ_DIST_PORT"] = $"{_distributionPort}",
                ["RABBITMQ_MNESIA_BASE"] = In("data"),
                ["RABBITMQ_LOG_BASE"] = In("log"),
                ["RABBITMQ_ENABLED_PLUGINS_FILE"] = In("plugins"),
                ["RABBITMQ_CONF_ENV_FILE"] = In("environment"),
                ["RABBITMQ_CONFIG_FILE"] = In("rabbitmq.conf"),
                ["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] = "-kernel inet_dist_use_interface {127,0,0,1}",
            },
        });
        using var limit = new CancellationTokenSource(StartLimit);
        while (true)
        {
            try
            {
                await using IConnection ready = await new ConnectionFactory { Uri = new Uri(Address) }.CreateConnectionAsync(limit.Token);
                return;
            }
            catch (Exception e) when (!limit.IsCancellationRequested && !_server.HasExited)
            {
                _ = e; // Not yet.
                await Task.Delay(200, CancellationToken.None);
            }
            catch (Exception e)
            {
                lock (_output)
                {
                    throw new InvalidOperationException($"The broker did not start: {_output}", e);
                }
            }
        }
    }

    /// <summary>Ends the server as a power cut would.</summary>
    public async Task KillAsync()
    {
        _server!.Kill(entireProcessTree: true);
        await _server.WaitForExitAsync();
        _server.Dispose();
        _server = null;
    }

    /// <summary>The server does nothing until <see cref="Continue"/>; its connections stay.</summary>
    public void Pause() => Send(SigStop);

    public void Continue() => Send(SigCont);

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await KillAsync();
        }

        _mapper.Kill();
        await _mapper.WaitForExitAsync();
        _mapper.Dispose();
        _directory.Dispose();
    }

    private Process Run(ProcessStartInfo start)
    {
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        var process = new Process { StartInfo = start };
        process.OutputDataReceived += (_, line) => Add(line.Data);
        process.ErrorDataReceived += (_, line) => Add(line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;

        void Add(string? line)
        {
            lock (_output)
            {
                _output.AppendLine(line);
            }
        }
    }

    private void Send(int signal)
    {
        if (Signal(_server!.Id, signal) != 0)
        {
            throw new InvalidOperationException($"The broker cannot be sent signal {signal}.");
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int Signal(int processId, int signal);
}
